"""`bench tune`: what only tests read, chosen on validation classes while the test stays closed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.pool import ClassPool
from bench.results import find_runs, read_run
from bench.stored import CachedDataset
from tests.cli.verifying import bench

SMALL = ["--backbone", "conv4-strided", "--meta-batch", "2", "--threads", "1", "--queries", "3"]
SMALL += ["--episodes", "20", "--validation-episodes", "6", "--steps", "3", "--validate-every", "3"]
RUN = ["run", "--algo", "maml", "--data", "glyphs", *SMALL]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    assert bench(*RUN, "--out", str(out)) == 0
    return find_runs(out)[0]


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has every look at the examples of a test end in an error."""
    pool = CachedDataset.pool

    def watched(self: CachedDataset, split: str) -> ClassPool:
        assert split != "test", "test data were opened"
        return pool(self, split)  # type: ignore[arg-type]  # a split as it was given

    monkeypatch.setattr(CachedDataset, "pool", watched)


@pytest.mark.usefixtures("closed")
def test_the_runs_own_value_gives_the_validation_score_that_training_recorded(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in trained.iterdir()}
    record = read_run(trained)
    own = record.algorithm.parameters["test_steps"]
    assert bench("tune", str(trained), "--set", f"test_steps={own}") == 0
    printed = capsys.readouterr().out
    score = record.training.best_validation_score
    assert score is not None
    assert f" {100 * score:.2f} ± " in printed
    assert "5-way 1-shot, 6 episodes of validation classes of glyphs" in printed
    assert "one combination alone" in printed
    assert {path: path.read_bytes() for path in trained.iterdir()} == before
    assert [path.name for path in trained.parent.iterdir()] == [trained.name]


@pytest.mark.usefixtures("closed")
def test_every_combination_is_tried_on_the_same_episodes_and_the_best_is_told(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = ["--set", "test_steps=1,4,4", "--set", "prediction=transductive,support-plus-one"]
    asked = ["--episodes", "8", "--shots", "2", "--episode-seed", "3"]
    assert bench("tune", str(trained), *grid, *asked) == 0
    printed = capsys.readouterr().out
    rows = re.findall(
        r"^(\d) +(\S+) +([\d.]+) ± [\d.]+ +(the best|([+-][\d.]+) .*)$", printed, re.MULTILINE
    )
    assert [row[:2] for row in rows] == [
        (steps, way) for steps in "14" for way in ("transductive", "support-plus-one")
    ]
    means = {row[:2]: float(row[2]) for row in rows}
    (best,) = (row[:2] for row in rows if row[3] == "the best")
    assert means[best] == max(means.values())
    for row in rows:
        if row[:2] != best:
            assert float(row[4]) == pytest.approx(means[row[:2]] - means[best], abs=0.011)
    assert "5-way 2-shot, 8 episodes" in printed
    told = f"--shots 2 --set test_steps={best[0]} --set prediction={best[1]}\n"
    assert printed.endswith(f"test the best: bench evaluate {trained} {told}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name what to try, such as --set test_steps=VALUE,VALUE; of maml, tests alone read"),
        (["--set", "inner_lr=0.1"], "maml was trained with the inner_lr that it has"),
        (["--set", "test_stepz=1,2"], "did you mean 'test_steps'?"),
        (["--set", "test_steps=1,,2"], "test_steps is ''; it must be a whole number"),
        (["--set", "test_steps=1,two"], "test_steps is 'two'; it must be a whole number"),
        (["--set", "test.alphabet=1,2"], "test's data, which stay closed here"),
        (["--set", f"test_steps={','.join(map(str, range(201)))}"], "name 200 at most"),
        (["--set", "test_steps=1,2", "--ways", "9"], "--ways is 9, but maml was made for 5 ways"),
    ],
)
def test_what_cannot_be_tried_is_refused_in_one_line(
    words: list[str], said: str, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("tune", str(trained), *words) == 4
    told = capsys.readouterr().err
    assert said in told
    assert len(told.strip().splitlines()) == 1


def test_an_algorithm_without_such_parameters_is_told_so(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("tune", str(run), "--set", "lr=1") == 4
    assert "protonet has no parameter that only tests read" in capsys.readouterr().err


def test_weights_that_saw_the_validation_classes_are_not_judged_by_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(*RUN, "--train-on", "train+val", "--out", str(tmp_path)) == 0
    (made,) = find_runs(tmp_path)
    capsys.readouterr()
    assert bench("tune", str(made), "--set", "test_steps=1,5") == 4
    assert "were trained on the validation classes, too" in capsys.readouterr().err

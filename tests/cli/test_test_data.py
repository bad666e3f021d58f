"""`--test-data`: several datasets in one command."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import run_command_line
from bench.results import RunRecord, find_runs, read_run

RUN = ["run", "--algo", "protonet", "--data", "first", "--steps", "2", "--train-ways", "5"]
RUN += ["--queries", "3", "--episodes", "10", "--validation-episodes", "2", "--threads", "1"]

PLUGIN = '''
"""Three datasets of points, the third with other numbers by parameter."""
import numpy as np
from bench import ClassExamples, Dataset, hookimpl


class First(Dataset):
    """Points."""

    name = "first"
    start = 0

    def classes(self, files):
        rng = np.random.default_rng(self.start)
        for split in ("train", "val", "test"):
            for number in range(8):
                yield ClassExamples(f"{split}{number}", split, rng.normal(size=(9, 2)).astype("f4"))


class Second(First):
    """Others."""

    name = "second"
    start = 1


class Third(First):
    """Others again.

    Args:
        start: seed.
    """

    name = "third"

    def __init__(self, *, start: int = 2) -> None:
        self.start = start


@hookimpl
def bench_datasets():
    return [First, Second, Third]
'''


@pytest.fixture
def run(tmp_path: Path) -> list[str]:
    plugin = tmp_path / "points.py"
    plugin.write_text(PLUGIN)
    return [*RUN, "-p", str(plugin), "--out", str(tmp_path / "out")]


def records(tmp_path: Path) -> dict[str, RunRecord]:
    found = [read_run(folder) for folder in find_runs(tmp_path / "out")]
    return {record.tested.name: record for record in found}


def test_it_is_trained_once_and_tested_on_each(run: list[str], tmp_path: Path) -> None:
    both = ["--test-data", "second", "--test-data", "third", "--set", "test.start=5"]
    assert run_command_line([*run, *both]) == 4  # second has no such parameter
    assert run_command_line([*run, "--test-data", "second", "--test-data", "third"]) == 0
    found = records(tmp_path)
    assert set(found) == {"second", "third"}
    first, other = found["second"], found["third"]
    assert first.outcome and other.outcome
    assert other.weights_from == first.outcome.checkpoint_sha256
    assert {record.data.name for record in found.values()} == {"first"}


def test_one_more_can_be_added_later(run: list[str], tmp_path: Path) -> None:
    assert run_command_line([*run, "--test-data", "second"]) == 0
    written = (find_runs(tmp_path / "out")[0] / "checkpoint.safetensors").stat().st_mtime_ns
    assert run_command_line([*run, "--test-data", "second", "--test-data", "third"]) == 0
    assert run_command_line([*run, "--test-data", "second", "--test-data", "third"]) == 0
    found = records(tmp_path)
    assert set(found) == {"second", "third"}
    uses = [use.purpose for use in found["second"].test_uses]
    assert uses.count("evaluate") == 1
    first = next(f for f in find_runs(tmp_path / "out") if not read_run(f).weights_from)
    assert (first / "checkpoint.safetensors").stat().st_mtime_ns == written


def test_its_own_data_may_be_among_several(run: list[str], tmp_path: Path) -> None:
    both = ["--test-data", "third", "--test-data", "first", "--set", "test.start=5"]
    assert run_command_line([*run, *both]) == 0
    found = records(tmp_path)
    assert set(found) == {"first", "third"}
    assert found["first"].test_data is None and not found["first"].weights_from
    assert found["third"].tested.parameters == {"start": 5}
    assert run_command_line([*run, "--test-data", "first"]) == 4  # alone it says nothing


def test_the_same_one_twice_is_refused(run: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line([*run, "--test-data", "second", "--test-data", "second"]) == 4
    assert "name each once" in capsys.readouterr().err


def test_a_finished_run_is_tested_on_several_with_their_parameters(
    run: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(run) == 0
    (folder,) = find_runs(tmp_path / "out")
    evaluate = ["evaluate", str(folder), *run[-4:]]
    assert run_command_line([*evaluate, "--test-data", "third", "--set", "test.start=5"]) == 0
    assert records(tmp_path)["third"].tested.parameters == {"start": 5}
    assert run_command_line([*evaluate, "--test-data", "third", "--set", "lr=1"]) == 4
    assert "--set test.NAME=VALUE" in capsys.readouterr().err


def test_parameters_of_the_trainings_own_data_cannot_be_others_in_the_test(
    run: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["third" if word == "first" else word for word in run]) == 0
    (folder,) = find_runs(tmp_path / "out")
    own = ["--test-data", "third", "--set", "test.start=5"]
    assert run_command_line(["evaluate", str(folder), *run[-4:], *own]) == 4
    told = capsys.readouterr().err
    assert "which the run was trained on" in told and "--protocol folds" in told
    wrong = ["--shots", "2", "--set", "data.start=5"]
    assert run_command_line(["evaluate", str(folder), *run[-4:], *wrong]) == 4
    assert "such as --set test.start\n" in capsys.readouterr().err


TEXTS = "text,class\n" + "".join(
    f"{word} {number} of {word}s,{word}\n"
    for word in ("bird", "fish", "stone", "tree", "cloud", "river", "house", "star")
    for number in range(9)
)


@pytest.mark.parametrize(
    ("mine", "theirs", "code"),
    [("tfidf", "tfidf", 4), ("hashing", "tfidf", 4), ("hashing", "hashing", 0)],
)
def test_vectors_that_were_fitted_to_other_texts_are_refused(
    mine: str,
    theirs: str,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.csv").write_text(TEXTS)
    Path("two.csv").write_text(TEXTS.replace("s,", "z,"))
    sizes = ["--ways", "2", "--queries", "2", "--dry-run"]
    data = ["--data", "text:one.csv", "--test-data", "text:two.csv"]
    both = ["--set", f"data.embedding={mine}", "--set", f"test.embedding={theirs}"]
    few = ["--set", "data.dimensions=16", "--set", "test.dimensions=16"]
    assert run_command_line(["run", "--algo", "protonet", *data, *both, *few, *sizes]) == code
    if code:
        assert "their numbers do not mean the same" in capsys.readouterr().err

"""`bench run --protocol` and `--test-data`, as typed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bench.cli import run_command_line
from bench.results import RunRecord, find_runs, read_run

RUN = ["run", "--data", "gaussians", "--threads", "1"]
SHORT = ["--algo", "protonet", "--steps", "3", "--train-ways", "5", "--validation-episodes", "5"]


def only_run(folder: Path) -> RunRecord:
    (found,) = find_runs(folder)
    return read_run(found)


@pytest.mark.parametrize(
    ("asked", "id_", "words", "queries"),
    [
        (["dirichlet", "--ways", "3", "--shots", "2", "--queries", "4"],
         "3w2s4q-dirichlet2", "3-way 2-shot, queries shared out unevenly", 12),
        (["single"], "5w1s-single", "5-way 1-shot, one query each", 1),
        (["disjoint"], "5w1s15q-disjoint", "5-way 1-shot, no image in two episodes", 75),
        (["variable"], "variable", "ways and shots varying", None),
    ],
)  # fmt: skip
def test_a_run_says_what_its_episodes_were(
    asked: list[str],
    id_: str,
    words: str,
    queries: int | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    end = ["--out", str(tmp_path), "--episodes", "12", "--protocol", *asked]
    assert run_command_line([*RUN, *SHORT, *end]) == 0
    assert f"protonet on gaussians, {words}: " in capsys.readouterr().out
    record = only_run(tmp_path)
    assert record.protocol.id == id_
    assert record.outcome is not None
    assert record.outcome.n == 12
    if queries:
        assert record.outcome.queries_per_episode == queries


def test_without_a_number_all_disjoint_episodes_are_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Of 400 classes with 40 points each: 80 episodes of 5 ways, twice 16 points.
    dry = [*RUN, *SHORT, "--out", str(tmp_path), "--protocol", "disjoint", "--print-config"]
    assert run_command_line(dry) == 0
    assert tomllib.loads(capsys.readouterr().out)["episodes"] == 160
    assert run_command_line([*dry, "--episodes", "161"]) == 4
    assert "the data gives 160 episodes of 5w1s15q-disjoint" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["variable", "single", "dirichlet", "folds"])
def test_the_printed_config_gives_the_same_run(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [*RUN, *SHORT, "--protocol", kind, "--out", str(tmp_path)]
    assert run_command_line([*asked, "--print-config"]) == 0
    file = tmp_path / "config.toml"
    file.write_text(capsys.readouterr().out)
    for words in (asked, ["run", "--config", str(file)]):
        assert run_command_line([*words, "--dry-run"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (["--protocol", "folds", "--queries", "3"], "--protocol folds have all images of a fold"),
        (["--protocol", "folds", "--ways", "5", "--episodes", "8"], "ask for a multiple of 5, suc"),
        (["--protocol", "variable", "--ways", "5"], "--ways is 5, but episodes of --protocol"),
        (["--protocol", "within"], "classes of the test split have no groups, such as alphabets"),
        (["--protocol", "dirichelt"], "did you mean 'dirichlet'?"),
        (["--test-data", "gaussians"], "leave it out"),
        (["--test-data", "sinusoid"], "--test-data is sinusoid, which is regression, but gaussian"),
        (["--test-data", "gausians"], "did you mean 'gaussians'?"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    asked: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line([*RUN, *SHORT, "--out", str(tmp_path), *asked]) == 4
    (told,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("bench:")]
    assert complaint in told
    assert not any(tmp_path.iterdir())


def test_who_takes_one_number_of_ways_is_refused_where_ways_vary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--algo", "maml", "--protocol", "variable", "--out", str(tmp_path)]
    assert run_command_line([*RUN, *asked]) == 4
    assert "maml is made for one number of ways" in capsys.readouterr().err


def test_folds_are_run_made_shown_and_told_with_an_interval_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = tmp_path / "folds.sealed", ["--data", "gaussians"]
    sizes = ["--protocol", "folds", "--ways", "6", "--shots", "2", "--episodes", "10"]
    assert run_command_line(["episodes", "make", *data, *sizes, "--out", str(file)]) == 0
    told = "6w2s-5folds (6-way 2-shot, 5 folds), seed 0"
    assert told in capsys.readouterr().out
    out = ["--algo", "pixels", "--threads", "1", "--out"]
    assert run_command_line(["run", *data, *out, str(tmp_path / "a"), *sizes]) == 0
    assert "pixels on gaussians, 6-way 2-shot, 5 folds: " in capsys.readouterr().out
    from_file = [*data, *out, str(tmp_path / "b"), "--episodes-file", str(file)]
    assert run_command_line(["run", *from_file]) == 0
    one, other = only_run(tmp_path / "a"), only_run(tmp_path / "b")
    assert one.protocol.sha256 == other.protocol.sha256
    assert one.outcome is not None
    assert other.outcome is not None
    assert one.outcome.intervals == other.outcome.intervals
    folder = next(path for path in (tmp_path / "a").iterdir())
    capsys.readouterr()
    assert run_command_line(["intervals", str(folder)]) == 0
    assert run_command_line(["leaderboard", str(tmp_path / "a")]) == 0
    shown = capsys.readouterr().out
    assert "(95% interval over 480 examples of the same classes)" in shown
    assert "±: the 95% interval, over examples of these classes" in shown

"""`bench evaluate`: the same weights on other episodes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.cli import run_command_line
from bench.errors import Interrupted
from bench.files import sha256_of
from bench.predictions import Predictions
from bench.results import RunRecord, find_runs, read_run

RUN = ["run", "--algo", "protonet", "--data", "gaussians", "--steps", "4", "--train-ways", "5"]
RUN += ["--episodes", "30", "--validation-episodes", "5", "--threads", "1"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    assert run_command_line([*RUN, "--out", str(out)]) == 0
    return find_runs(out)[0]


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def evaluated(run: Path, *flags: str) -> tuple[Path, RunRecord]:
    out = run.parent / "evaluated"
    assert run_command_line(["evaluate", str(run), "--out", str(out), *flags]) == 0
    (folder,) = find_runs(out)
    return folder, read_run(folder)


def test_the_same_episodes_give_the_same_predictions(run: Path) -> None:
    folder, record = evaluated(run, "--episodes", "30")
    first = read_run(run)
    assert record.outcome and first.outcome
    assert record.protocol.sha256 == first.protocol.sha256
    assert record.outcome.mean == first.outcome.mean
    for name in ("predictions.npz", "episodes.csv", "checkpoint.safetensors"):
        assert sha256_of(folder / name) == sha256_of(run / name)
    assert record.weights_from == first.outcome.checkpoint_sha256
    assert record.training == first.training
    assert record.name != first.name, "it must not be taken for a run that was trained"


def test_one_that_was_stopped_says_whose_weights_it_tested(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By this `bench suite` knows it again, and does not take it for another run in the way."""

    def stopped(*_: object) -> RunRecord:
        raise Interrupted("stopped during evaluation")

    monkeypatch.setattr("bench.retesting.test", stopped)
    out = run.parent / "evaluated"
    flags = ["--out", str(out), "--shots", "5", "--episodes", "20"]
    assert run_command_line(["evaluate", str(run), *flags]) == 2
    record, outcome = read_run(find_runs(out)[0]), read_run(run).outcome
    assert record.status == "interrupted"
    assert outcome and record.weights_from == outcome.checkpoint_sha256


def test_both_records_count_the_use_of_the_test_data(run: Path) -> None:
    _, record = evaluated(run, "--shots", "5", "--episodes", "20")
    assert [(use.purpose, use.episodes) for use in record.test_uses][-2:] == [
        ("test", 20),
        ("audit", 5),
    ]
    known = [(use.purpose, use.episodes) for use in read_run(run).test_uses]
    assert known[-1] == ("evaluate", 20)
    assert known[0] == ("test", 30)


def test_other_shots_are_tested_and_the_training_is_told_as_it_was(run: Path) -> None:
    _, record = evaluated(run, "--shots", "3", "--episodes", "20")
    assert record.protocol.id == "5w3s15q"
    assert (record.training.shots, record.training.steps) == (1, 4)


def test_episodes_of_another_kind_have_shapes_of_their_own(run: Path) -> None:
    folder, record = evaluated(run, "--protocol", "variable", "--episodes", "20")
    assert record.protocol.id == "variable"
    assert len(set(Predictions.read(folder / "predictions.npz").episodes.ways)) > 3


def test_a_test_that_is_there_is_done_again_only_by_force(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--shots", "2", "--episodes", "20"]
    evaluated(run, *flags)
    again = ["evaluate", str(run), "--out", str(run.parent / "evaluated"), *flags]
    assert run_command_line(again) == 4
    assert "holds this very run already" in capsys.readouterr().err
    assert run_command_line([*again, "--force"]) == 0


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ([], "name what to test on"),
        (["--protocol", "dirichlt"], "did you mean 'dirichlet'"),
        (["--ways", "5000"], "5000 ways"),
        (["--test-data", "glifs"], "no dataset 'glifs'"),
        (["--episodes-file", "nothing.bench"], "nothing.bench"),
        (["--episodes", "1"], "must be at least 2"),
    ],
)
def test_what_cannot_be_tested_is_said_in_one_line(
    run: Path, flags: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = run.parent / "evaluated"
    assert run_command_line(["evaluate", str(run), "--out", str(out), *flags]) == 4
    message = capsys.readouterr().err.strip().splitlines()
    assert len(message) == 1 and why in message[0]
    assert not out.exists()


def test_a_checkpoint_that_was_altered_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "checkpoint.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    assert run_command_line(["evaluate", str(run), "--shots", "2"]) == 4
    assert "is not what the run wrote" in capsys.readouterr().err

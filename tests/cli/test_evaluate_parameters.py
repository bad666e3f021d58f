"""`bench evaluate --set`: trained weights, tested with other values of what only tests read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import run_command_line
from bench.files import sha256_of
from bench.results import find_runs, read_run

FLAGS = ["--data", "glyphs", "--backbone", "conv4-strided", "--meta-batch", "2", "--threads", "1"]
FLAGS += ["--episodes", "30", "--validation-episodes", "5", "--queries", "3"]
RUN = ["run", "--algo", "maml", "--steps", "3", "--validate-every", "3", *FLAGS]
HONEST = ["--set", "prediction=support-plus-one", "--episodes", "30"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    assert run_command_line([*RUN, "--out", str(out)]) == 0
    return find_runs(out)[0]


@pytest.fixture(scope="module")
def honest(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("honest")
    assert run_command_line(["evaluate", str(trained), *HONEST, "--out", str(out)]) == 0
    return find_runs(out)[0]


def test_the_record_says_how_it_was_tested_and_has_the_same_weights(
    trained: Path, honest: Path
) -> None:
    first, record = read_run(trained), read_run(honest)
    assert first.algorithm.parameters["prediction"] == "transductive"
    assert record.algorithm.parameters["prediction"] == "support-plus-one"
    assert record.config["set"] == {"prediction": "support-plus-one"}
    assert record.name != first.name
    assert record.training == first.training
    assert first.outcome and record.weights_from == first.outcome.checkpoint_sha256
    assert sha256_of(honest / "checkpoint.safetensors") == record.weights_from


def test_the_audit_measures_that_queries_no_longer_inform_one_another(
    trained: Path, honest: Path
) -> None:
    first, record = read_run(trained).audit, read_run(honest).audit
    assert first and first.verdict == "transductive"
    assert record and record.verdict == "inductive"


def test_it_is_as_if_the_run_had_been_made_so(honest: Path, tmp_path: Path) -> None:
    given = [*RUN, "--set", "prediction=support-plus-one", "--out", str(tmp_path)]
    assert run_command_line(given) == 0
    (made,) = find_runs(tmp_path)
    one, other = read_run(made), read_run(honest)  # validated once, so nothing is to be picked
    assert one.outcome and other.outcome
    assert one.outcome.checkpoint_sha256 == other.outcome.checkpoint_sha256
    assert sha256_of(made / "predictions.npz") == sha256_of(honest / "predictions.npz")


def test_other_commands_take_such_a_run(honest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["verify", str(honest)]) == 0
    assert run_command_line(["leaderboard", str(honest.parent)]) == 0
    assert "maml" in capsys.readouterr().out


def test_numbers_and_parameters_of_the_data_may_be_set_together(
    trained: Path, tmp_path: Path
) -> None:
    flags = ["--set", "test_steps=1", "--set", "test.classes=60", "--test-data", "glyphs"]
    out = ["--episodes", "20", "--out", str(tmp_path)]
    assert run_command_line(["evaluate", str(trained), *flags, *out]) == 4
    assert run_command_line(["evaluate", str(trained), *flags[:2], *out]) == 0
    (folder,) = find_runs(tmp_path)
    assert read_run(folder).algorithm.parameters["test_steps"] == 1


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("inner_steps=3", "may set test_steps, prediction of its parameters"),
        ("lr=0.1", "may set test_steps, prediction of its parameters"),
        ("norm=running", "may set test_steps, prediction of its parameters"),
        ("lr=0.1", "maml was trained with the lr that it has"),
        ("predictoin=x", "maml has no parameter 'predictoin'; did you mean 'prediction'? known: "),
        ("prediction=honest", "prediction is 'honest'"),
        ("test_steps=0", "must be positive"),
        ("data.classes=60", "the data of the training stay"),
    ],
)
def test_what_training_has_read_is_refused_in_one_line(
    trained: Path, setting: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["evaluate", str(trained), "--set", setting, "--out", str(tmp_path / "none")]
    assert run_command_line(given) == 4
    message = capsys.readouterr().err.strip().splitlines()
    assert len(message) == 1 and why in message[0]
    assert not (tmp_path / "none").exists()


def test_a_method_without_such_parameters_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["run", "--algo", "protonet", "--data", "gaussians", "--steps", "2", "--train-ways", "5"]
    assert run_command_line([*run, "--episodes", "5", "--out", str(tmp_path)]) == 0
    (folder,) = find_runs(tmp_path)
    assert run_command_line(["evaluate", str(folder), "--set", "lr=0.1"]) == 4
    assert "may set none of its parameters" in capsys.readouterr().err


def test_info_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["info", "reptile"]) == 0
    wanted = "may be set in bench evaluate: test_steps, test_batch, prediction"
    assert wanted in capsys.readouterr().out
    assert run_command_line(["info", "protonet"]) == 0
    assert "bench evaluate" not in capsys.readouterr().out

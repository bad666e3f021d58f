"""`bench verify`: an untouched run passes, and whatever was tampered with is found."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.badge import FAILURE_FILE, read_failure
from bench.checkpoint import load_weights, save_weights
from bench.cli import run_command_line
from bench.files import sha256_of
from bench.leaderboard.entry import read_entry
from bench.predictions import Predictions
from bench.recording import episodes_csv, figures_of
from bench.results import (
    CHECKPOINT_FILE,
    EPISODES_FILE,
    PREDICTIONS_FILE,
    RUN_FILE,
    RunRecord,
    read_run,
    seal_of,
)

FAST = ["--steps", "4", "--episodes", "40", "--validation-episodes", "5", "--train-ways", "5"]


def bench(*arguments: str) -> int:
    return run_command_line(list(arguments))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run; tests take copies."""
    out = tmp_path_factory.mktemp("results")
    assert bench("run", "--algo", "protonet", "--data", "gaussians", *FAST, "--out", str(out)) == 0
    (folder,) = out.iterdir()
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def verdicts(text: str) -> dict[str, str]:
    """Returns the verdict of each figure in the printed table."""
    rows = re.findall(r"^(\S.*?)  +.*?(same|within tolerance|differs)$", text, re.MULTILINE)
    return dict(rows)


def test_an_untouched_run_is_verified_and_says_so_from_then_on(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_run(run)
    assert bench("verify", str(run)) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == f"{run}: verified: the weights give the recorded scores"
    found = verdicts(printed)
    assert set(found.values()) == {"same"}
    assert {"run.json", CHECKPOINT_FILE, EPISODES_FILE, PREDICTIONS_FILE} <= set(found)
    assert {"mean", "half_width", "loss", "answers", "scores", "best validation"} <= set(found)
    after = read_run(run)
    assert after.verification is not None
    assert after.verification.verdict == "verified"
    assert re.fullmatch(r"[0-9a-f]{8}", after.verification.card)
    assert after.test_uses[:-1] == before.test_uses
    assert after.test_uses[-1].purpose == "verify"
    assert after.test_uses[-1].sha256 == before.protocol.sha256
    assert replace(after, verification=None, test_uses=before.test_uses, seal=before.seal) == before
    assert seal_of(run) == "whole"
    assert read_entry(run).verified == "verified"
    assert bench("verify", str(run)) == 0


@pytest.mark.parametrize("name", [CHECKPOINT_FILE, EPISODES_FILE, PREDICTIONS_FILE])
@pytest.mark.parametrize("place", [0.0, 0.37, 0.83, 1.0])
def test_one_byte_of_a_file_is_enough_to_fail(
    name: str, place: float, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip(run / name, place)
    before = (run / RUN_FILE).read_bytes()
    assert bench("verify", str(run)) == 1
    assert verdicts(capsys.readouterr().out)[name] == "differs"
    assert (run / RUN_FILE).read_bytes() == before
    assert bench("verify", "--no-evaluation", str(run)) == 1


@pytest.mark.parametrize("place", np.linspace(0, 1, 13).tolist())
def test_one_byte_of_a_record_is_enough_to_fail(
    place: float, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip(run / RUN_FILE, place)
    assert bench("verify", "--no-evaluation", str(run)) == 1
    assert verdicts(capsys.readouterr().out)[RUN_FILE] == "differs"


def flip(path: Path, place: float) -> None:
    """Changes the lowest bit of the byte at a share of the file."""
    content = bytearray(path.read_bytes())
    content[round(place * (len(content) - 1))] ^= 1
    path.write_bytes(content)


def test_a_record_that_lost_its_seal_fails(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads((run / RUN_FILE).read_text())
    (run / RUN_FILE).write_text(json.dumps(record | {"seal": ""}, indent=2) + "\n")
    assert bench("verify", "--no-evaluation", str(run)) == 1
    assert "no seal" in capsys.readouterr().out


Forge = Callable[[Path, RunRecord], RunRecord]


def forge(run: Path, change: Forge) -> None:
    """Changes a record and seals it again, as anybody can."""
    changed = change(run, read_run(run))
    assert changed.outcome is not None
    changed.write(run)
    assert seal_of(run) == "whole"


def outcome_with(**figures: float | str) -> Forge:
    def change(run: Path, record: RunRecord) -> RunRecord:
        assert record.outcome is not None
        return replace(record, outcome=replace(record.outcome, **figures))  # type: ignore[arg-type]  # the fields' own types

    return change


@pytest.mark.parametrize(
    "figures",
    [
        {"mean": 0.999},
        {"half_width": 0.0001},
        {"std": 0.0001},
        {"loss": 0.0001},
        {"n": 41},
        {"queries_per_episode": 76.0},
        {"formula": "over all seeds"},
        {"metric": "mse"},
    ],
    ids=str,
)
def test_a_figure_that_was_edited_and_sealed_again_is_found_by_recounting(
    figures: dict[str, float | str], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge(run, outcome_with(**figures))
    assert bench("verify", "--no-evaluation", str(run)) == 1
    (name,) = figures
    assert verdicts(capsys.readouterr().out)[name] == "differs"


def in_algorithm(**values: object) -> Forge:
    return lambda _, record: replace(record, algorithm=replace(record.algorithm, **values))  # type: ignore[arg-type]  # the fields' own types


def in_protocol(**values: object) -> Forge:
    return lambda _, record: replace(record, protocol=replace(record.protocol, **values))  # type: ignore[arg-type]  # the fields' own types


def in_training(**values: object) -> Forge:
    return lambda _, record: replace(record, training=replace(record.training, **values))  # type: ignore[arg-type]  # the fields' own types


def in_data(**values: object) -> Forge:
    return lambda _, record: replace(record, data=replace(record.data, **values))  # type: ignore[arg-type]  # the fields' own types


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        (in_algorithm(parameters={"lr": 0.5}), "algorithm parameters lr"),
        (in_algorithm(parameter_count=7), "algorithm parameter_count"),
        (in_algorithm(transduction="by all queries"), "algorithm transduction"),
        (in_protocol(shots=5), "protocol shots"),
        (in_protocol(sha256="0" * 64), "list of episodes"),
        (in_training(meta_batch=2), "training meta_batch"),
        (in_training(best_validation_score=0.1), "best validation"),
        (in_data(fingerprint="0" * 64), "rows of episodes.csv"),
    ],
)
def test_a_description_that_was_edited_and_sealed_again_is_found_by_building_it(
    change: Forge, figure: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge(run, change)
    assert bench("verify", str(run)) == 1
    assert verdicts(capsys.readouterr().out)[figure] == "differs"


def test_predictions_that_were_forged_with_all_that_follows_are_found_by_testing_again(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Predictions.read(run / PREDICTIONS_FILE)
    answers = kept.answers.reshape(-1, 5).copy()
    answers[np.arange(200), kept.episodes.query_labels[:200]] = 99.0  # these were not all right
    write_consistently(run, replace(kept, answers=answers.ravel()))
    assert bench("verify", "--no-evaluation", str(run)) == 0
    assert "nothing is broken" in capsys.readouterr().out
    before = (run / RUN_FILE).read_bytes()
    assert bench("verify", str(run)) == 1
    found = verdicts(capsys.readouterr().out)
    assert found["mean"] == "same"
    assert [found[name] for name in ("answers", "scores", "mean, tested again")] == ["differs"] * 3
    assert (run / RUN_FILE).read_bytes() == before
    failure = read_failure(run)
    assert failure is not None
    assert failure.verdict == "failed"
    assert read_entry(run).verified == "failed"


def write_consistently(run: Path, predictions: Predictions) -> None:
    """Writes predictions and everything in the run that follows from them."""
    record = read_run(run)
    assert record.outcome is not None
    predictions.write(run / PREDICTIONS_FILE)
    (run / EPISODES_FILE).write_bytes(episodes_csv(predictions, record.tested.fingerprint))
    outcome = replace(
        figures_of(predictions),
        checkpoint_sha256=record.outcome.checkpoint_sha256,
        episodes_file_sha256=sha256_of(run / EPISODES_FILE),
        predictions_file_sha256=sha256_of(run / PREDICTIONS_FILE),
    )
    replace(record, outcome=outcome).write(run)


def test_other_weights_with_the_right_hash_are_found_by_testing_again(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = load_weights(run / CHECKPOINT_FILE, "protonet")
    save_weights(run / CHECKPOINT_FILE, "protonet", {n: -w for n, w in weights.items()})
    forge(run, outcome_with(checkpoint_sha256=sha256_of(run / CHECKPOINT_FILE)))
    assert bench("verify", str(run)) == 1
    assert verdicts(capsys.readouterr().out)["answers"] == "differs"


def test_episodes_of_ones_own_choice_are_found_by_drawing_them_again(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Predictions.read(run / PREDICTIONS_FILE)
    order = np.roll(kept.episodes.query.reshape(40, -1), 1, axis=0).ravel()
    write_consistently(run, replace(kept, episodes=replace(kept.episodes, query=order)))
    assert bench("verify", str(run)) == 1
    assert verdicts(capsys.readouterr().out)["ids of episodes"] == "differs"


def test_a_failure_is_forgotten_when_the_run_is_verified(run: Path) -> None:
    right = (run / RUN_FILE).read_bytes()
    forge(run, outcome_with(mean=0.999))
    assert bench("verify", str(run)) == 1
    assert (run / FAILURE_FILE).exists()
    (run / RUN_FILE).write_bytes(right)
    assert bench("verify", str(run)) == 0
    assert not (run / FAILURE_FILE).exists()
    assert read_entry(run).verified == "verified"


def test_answers_that_are_a_little_off_are_within_tolerance(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Predictions.read(run / PREDICTIONS_FILE)
    answers = kept.answers.reshape(-1, 5).copy()
    wrong = np.flatnonzero(~kept.right)[:2]  # of 3000 queries: 0.07 points
    answers[wrong, kept.episodes.query_labels[wrong]] = answers[wrong].max(1) + 1e-3
    write_consistently(run, replace(kept, answers=answers.ravel()))
    assert bench("verify", str(run)) == 0
    printed = capsys.readouterr().out
    assert "2 turned" in printed
    assert verdicts(printed)["answers"] == "within tolerance"
    assert "within tolerance: the mean is less than 0.1 point off" in printed
    assert read_entry(run).verified == "within tolerance"


def test_another_number_of_threads_makes_no_difference_that_matters(run: Path) -> None:
    import torch

    try:
        assert bench("verify", str(run), "--threads", "3") == 0
    finally:
        torch.set_num_threads(1)
    assert read_entry(run).verified in ("verified", "within tolerance")


def test_the_fast_mode_says_that_it_did_less_and_leaves_no_badge(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (run / RUN_FILE).read_bytes()
    assert bench("verify", "--no-evaluation", str(run)) == 0
    printed = capsys.readouterr().out
    assert printed.endswith("nothing is broken, but the weights were not tested again\n")
    assert "answers" not in verdicts(printed)
    assert (run / RUN_FILE).read_bytes() == before


def test_a_run_without_its_checkpoint_is_recounted_and_says_so(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / CHECKPOINT_FILE).unlink()
    assert bench("verify", str(run)) == 1
    assert bench("verify", "--no-evaluation", str(run)) == 0, "then no more was asked for"
    assert bench("verify", str(run)) == 1
    printed = capsys.readouterr().out
    assert f"{CHECKPOINT_FILE} is not here, so it was not checked" in printed
    assert "without its checkpoint it cannot be tested again" in printed
    assert read_run(run).verification is None


def of_an_earlier_version(run: Path) -> None:
    """Makes a run look as schema 2 left it: without predictions, seal, and ids of episodes."""
    record = json.loads((run / RUN_FILE).read_text())
    for name in ("seal", "verification", "test_uses", "audit", "cost", "machine"):
        del record[name]
    for name in ("predictions_file_sha256", "intervals", "quality"):
        del record["outcome"][name]
    for name in ("kind", "sampler_version", "file_sha256"):
        del record["protocol"][name]
    (run / PREDICTIONS_FILE).unlink()
    rows = [row.split(",") for row in (run / EPISODES_FILE).read_text().splitlines()]
    text = "\n".join(",".join([first, *rest]) for first, _, *rest in rows) + "\n"
    (run / EPISODES_FILE).write_text(text)
    record["outcome"]["episodes_file_sha256"] = sha256_of(run / EPISODES_FILE)
    (run / RUN_FILE).write_text(json.dumps(record | {"schema": 2}))


def test_a_run_of_an_earlier_version_is_verified_as_far_as_it_goes_and_left_as_it_is(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of_an_earlier_version(run)
    before = (run / RUN_FILE).read_bytes()
    assert bench("verify", str(run)) == 0
    printed = capsys.readouterr().out
    assert "no seal: records of schema 2 had none" in printed
    assert f"{PREDICTIONS_FILE}: not kept by the version that ran this" in printed
    assert verdicts(printed)["scores"] == "same"
    assert (run / RUN_FILE).read_bytes() == before


def test_figures_of_an_earlier_version_are_recounted_from_its_episodes(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of_an_earlier_version(run)
    record = json.loads((run / RUN_FILE).read_text())
    record["outcome"]["mean"] += 0.01
    (run / RUN_FILE).write_text(json.dumps(record))
    assert bench("verify", "--no-evaluation", str(run)) == 1
    assert verdicts(capsys.readouterr().out)["mean"] == "differs"


def test_code_that_has_changed_is_told_and_no_failure(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge(run, in_algorithm(source_sha256="0" * 64))
    assert bench("verify", str(run)) == 0
    assert "the code of protonet has changed since this run" in capsys.readouterr().out


def test_a_regression_is_verified_by_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path), "--steps", "2", "--episodes", "20", "--meta-batch", "2"]
    assert bench("run", "--algo", "reptile", "--data", "sinusoid", *out) == 0
    (run,) = tmp_path.iterdir()
    capsys.readouterr()
    assert bench("verify", str(run)) == 0
    found = verdicts(capsys.readouterr().out)
    assert found["answers"] == found["scores"] == found["mean, tested again"] == "same"


def test_several_runs_are_all_checked_even_if_one_cannot_be(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("verify", "--no-evaluation", str(tmp_path / "nowhere"), str(run)) == 4
    output = capsys.readouterr()
    assert "nowhere holds no run" in output.out
    assert f"{run}: nothing is broken" in output.out
    assert "1 of 2 could not be verified" in output.err


def test_a_run_that_is_not_finished_is_refused_in_one_line(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(read_run(run), status="interrupted").write(run)
    assert bench("verify", str(run)) == 4
    assert "is interrupted; only finished ones are verified" in capsys.readouterr().err

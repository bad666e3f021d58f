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
from tests.cli.verifying import bench, verdicts


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


def test_of_a_folder_all_runs_are_verified_and_only_what_differs_is_shown(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copytree(run, run.parent / "other"))
    (run.parent / "notes").mkdir()
    assert bench("verify", str(run.parent)) == 0
    said = "verified: the weights give the recorded scores"
    assert capsys.readouterr().out.splitlines() == [
        f"{other}: {said}",
        f"{run}: {said}",
        "2 of 2 runs verified",
    ]
    (other / EPISODES_FILE).write_bytes((other / EPISODES_FILE).read_bytes() + b"1")
    (run / RUN_FILE).write_text("{")
    assert bench("verify", str(run.parent)) == 1
    printed = capsys.readouterr().out
    assert printed.startswith(f"{other}: failed: ") and f"\n{run}: failed: " in printed
    assert printed.endswith("\n0 of 2 runs verified\n")
    assert {EPISODES_FILE, RUN_FILE} <= verdicts(printed).keys()
    assert set(verdicts(printed).values()) == {"differs"}


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


def test_code_that_has_changed_is_told_and_no_failure(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge(run, in_algorithm(source_sha256="0" * 64))
    assert bench("verify", str(run)) == 0
    assert "the code of protonet has changed since this run" in capsys.readouterr().out

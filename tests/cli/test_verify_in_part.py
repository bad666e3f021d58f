"""`bench verify` where something is missing, older, or not what it usually is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.files import sha256_of
from bench.results import (
    CHECKPOINT_FILE,
    EPISODES_FILE,
    PREDICTIONS_FILE,
    RUN_FILE,
    read_run,
)
from tests.cli.finished_swatches import PLUGIN, train
from tests.cli.verifying import bench, verdicts


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


def test_what_an_earlier_record_did_not_say_of_its_data_is_not_held_against_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tmp_path)
    record = read_run(run)
    assert record.data.form is not None
    replace(record, data=replace(record.data, form=None)).write(run)
    assert '"form"' not in (run / RUN_FILE).read_text()
    assert bench("verify", "-p", str(PLUGIN), str(run)) == 0
    capsys.readouterr()
    other = replace(record.data, form=replace(record.data.form, height=14))
    replace(record, data=other).write(run)
    assert bench("verify", "-p", str(PLUGIN), str(run)) == 1
    assert any(name.startswith("data form") for name in verdicts(capsys.readouterr().out))

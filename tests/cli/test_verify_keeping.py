"""`bench verify` keeps what it found only where it is told to, and never less for more."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.badge import FAILURE_FILE
from bench.leaderboard.entry import read_entry
from bench.measurements import CheckedFigure, VerificationRecord
from bench.results import EPISODES_FILE, PREDICTIONS_FILE, read_run, seal_of
from tests.cli.verifying import bench, verdicts


def state(folder: Path) -> dict[str, tuple[str, int]]:
    """Returns the hash and the time of every file, and the time of the folder."""
    files = {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.iterdir()
    }
    return files | {".": ("", folder.stat().st_mtime_ns)}


def verification(run: Path) -> VerificationRecord:
    found = read_run(run).verification
    assert found is not None
    return found


def plain(names: Iterable[str]) -> set[str]:
    return {name.removesuffix(", tested again") for name in names}


def test_with_no_write_nothing_in_the_folder_changes(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(run)
    assert bench("verify", "--no-write", str(run)) == 0
    assert f"{run}: verified: " in capsys.readouterr().out
    assert state(run) == before


def test_with_no_write_a_failure_is_told_and_leaves_nothing(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / EPISODES_FILE).write_bytes((run / EPISODES_FILE).read_bytes() + b"1")
    before = state(run)
    assert bench("verify", "--no-write", str(run)) == 1
    assert verdicts(capsys.readouterr().out)[EPISODES_FILE] == "differs"
    assert state(run) == before
    assert bench("verify", str(run)) == 1
    assert (run / FAILURE_FILE).is_file()


def test_with_no_write_an_earlier_failure_stays(run: Path) -> None:
    right = (run / EPISODES_FILE).read_bytes()
    (run / EPISODES_FILE).write_bytes(right + b"1")
    assert bench("verify", str(run)) == 1
    (run / EPISODES_FILE).write_bytes(right)
    assert bench("verify", "--no-write", str(run)) == 0
    assert read_entry(run).verified == "failed"


def test_what_checked_less_does_not_replace_what_checked_more_but_is_counted(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("verify", str(run)) == 0
    full, uses = verification(run), read_run(run).test_uses
    assert PREDICTIONS_FILE in [figure.name for figure in full.figures]
    (run / PREDICTIONS_FILE).unlink()
    capsys.readouterr()
    assert bench("verify", str(run)) == 0
    assert "its record keeps the verification that it has" in capsys.readouterr().out
    assert verification(run) == full
    after = read_run(run).test_uses
    assert after[:-1] == uses and after[-1].purpose == "verify"
    assert seal_of(run) == "whole"


@pytest.mark.parametrize(
    ("verdict", "many"), [("verified", False), ("within tolerance", True), ("within tolerance", 0)]
)
def test_what_checked_more_or_found_better_replaces_what_is_there(
    verdict: str, many: bool, run: Path
) -> None:
    figures = tuple(CheckedFigure(str(n), "", "", "same") for n in range(200 if many else 2))
    had = VerificationRecord(verdict, "2026-01-01", "", figures)  # type: ignore[arg-type]  # one of the two words
    replace(read_run(run), verification=had).write(run)
    assert bench("verify", str(run)) == 0
    assert verification(run).verdict == "verified"
    assert PREDICTIONS_FILE in [figure.name for figure in verification(run).figures]


def test_a_failure_is_kept_though_it_has_fewer_figures(run: Path) -> None:
    assert bench("verify", str(run)) == 0
    (run / PREDICTIONS_FILE).unlink()
    (run / EPISODES_FILE).write_bytes((run / EPISODES_FILE).read_bytes() + b"1")
    assert bench("verify", str(run)) == 1
    assert read_entry(run).verified == "altered"
    assert (run / FAILURE_FILE).is_file()


def test_without_predictions_intervals_and_quality_are_counted_from_the_answers_given_again(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("verify", str(run)) == 0
    full = plain(verdicts(capsys.readouterr().out))
    (run / PREDICTIONS_FILE).unlink()
    assert bench("verify", str(run)) == 0
    printed = capsys.readouterr().out
    found = verdicts(printed)
    assert full - plain(found) == {
        *(PREDICTIONS_FILE, "rows of episodes.csv", "ids of episodes", "base classes", "answers"),
        "quality temperature",
    }
    assert set(found.values()) == {"same"}
    assert {"quality ece, tested again", "interval over classes: low, tested again"} <= set(found)
    assert "recounted from the answers given again" in printed
    assert "not checked: the half-width" not in printed


@pytest.mark.parametrize("part", ["half_width", "loss", "intervals", "quality", "formula"])
def test_without_predictions_a_figure_that_was_forged_and_sealed_is_found_all_the_same(
    part: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = read_run(run)
    outcome = record.outcome
    assert outcome is not None and outcome.quality is not None
    first, *others = outcome.intervals
    quality = replace(outcome.quality, ece=(outcome.quality.ece or 0) / 2)
    forged = {
        "half_width": replace(outcome, half_width=0.9 * (outcome.half_width or 1)),
        "loss": replace(outcome, loss=0.9 * outcome.loss),
        "intervals": replace(outcome, intervals=(replace(first, low=first.low + 0.01), *others)),
        "quality": replace(outcome, quality=quality),
        "formula": replace(outcome, formula="over all seeds"),
    }
    (run / PREDICTIONS_FILE).unlink()
    replace(record, outcome=forged[part]).write(run)
    assert seal_of(run) == "whole"
    assert bench("verify", str(run)) == 1
    found = verdicts(capsys.readouterr().out)
    wrong = plain(name for name, verdict in found.items() if verdict == "differs")
    names = {"intervals": "interval over episodes: low", "quality": "quality ece"}
    assert wrong == {names.get(part, part)}

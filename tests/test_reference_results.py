"""The reference results: the records, and all that the repository shows of them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from bench.cli import run_command_line
from bench.files import sha256_of
from bench.results import CHECKPOINT_FILE, EPISODES_FILE, find_runs, read_run, seal_of
from bench.sealed import read_sealed
from bench.suite import read_suite
from bench.suite.state import found

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "results" / "reference"
FOLDER = REFERENCE / "omniglot"
OTHERWISE = REFERENCE / "sensitivity"
RUNS = find_runs(FOLDER)
TWO_MEGABYTES = 2 * 1024 * 1024


def test_tables_figures_and_readme_are_what_the_records_give(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run_command_line(["report", str(FOLDER), "--readme", str(ROOT / "README.md"), "--check"])
    assert code == 0, capsys.readouterr().err


@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
def test_a_row_is_whole_and_its_figures_follow_from_its_episodes(run: Path) -> None:
    record = read_run(run)
    assert seal_of(run) == "whole"
    assert record.status == "complete" and record.outcome is not None
    assert record.audit is not None and not record.audit.errors
    assert sha256_of(run / EPISODES_FILE) == record.outcome.episodes_file_sha256
    assert sha256_of(run / CHECKPOINT_FILE) == record.outcome.checkpoint_sha256
    assert (run / CHECKPOINT_FILE).stat().st_size < TWO_MEGABYTES
    with (run / EPISODES_FILE).open(newline="") as file:
        scores = np.array([float(row["accuracy"]) for row in csv.DictReader(file)])
    assert record.outcome.mean == pytest.approx(scores.mean(), abs=1e-12)
    assert record.outcome.n == len(scores) == record.protocol.episodes


@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
def test_a_row_was_made_by_a_command_that_any_machine_has(run: Path) -> None:
    record = read_run(run)
    assert record.recipe is not None
    assert not any(word.startswith("/") for word in record.command)


def test_every_row_of_the_common_test_was_tested_on_the_sealed_episodes() -> None:
    suite = read_suite(FOLDER)
    kept = {
        path.name.removesuffix(".episodes"): read_sealed(path).digest()
        for path in (FOLDER / "episodes").glob("*.episodes")
    }
    assert len(kept) == 4
    for one in found(suite, FOLDER):
        if one.record and one.state == "done" and not one.test.own:
            protocol = one.record.protocol
            assert protocol.sha256 == kept[protocol.id]


def test_every_run_in_the_folder_is_a_row_of_the_suite() -> None:
    rows = {one.folder for one in found(read_suite(FOLDER), FOLDER) if one.state == "done"}
    assert rows == set(RUNS)


def test_the_table_of_tests_that_ask_otherwise_is_that_of_its_records(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_command_line(["leaderboard", "--wide", str(OTHERWISE)]) == 0
    table = (REFERENCE / "sensitivity.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.strip() == table.strip()


def test_the_two_modes_figures_in_the_text_are_those_of_the_tables() -> None:
    text = (REFERENCE / "README.md").read_text(encoding="utf-8")
    even, uneven = (
        (REFERENCE / name).read_text(encoding="utf-8") for name in ("omniglot.md", "sensitivity.md")
    )
    _, _, after = text.partition("| equally many queries | uneven classes |")
    rows = [line.strip("| ").split(" | ") for line in after.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if len(row) == 3 and "---" not in row[1]]
    assert len(rows) == 7
    for _, same, other in rows:
        assert f"| {same} ± " in even
        assert other in uneven


@pytest.mark.parametrize("run", find_runs(OTHERWISE), ids=lambda path: path.name)
def test_a_test_that_asks_otherwise_is_of_the_weights_of_a_row(run: Path) -> None:
    record = read_run(run)
    rows = {read_run(row).outcome for row in RUNS}
    assert seal_of(run) == "whole"
    assert record.weights_from in {row.checkpoint_sha256 for row in rows if row}
    assert record.outcome is not None
    assert sha256_of(run / EPISODES_FILE) == record.outcome.episodes_file_sha256
    with (run / EPISODES_FILE).open(newline="") as file:
        scores = np.array([float(row["accuracy"]) for row in csv.DictReader(file)])
    assert record.outcome.mean == pytest.approx(scores.mean(), abs=1e-12)
    assert record.outcome.n == len(scores) == 400

"""The tables of other data that the repository shows, against the records beside them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from bench.cli import run_command_line
from bench.files import sha256_of
from bench.results import EPISODES_FILE, find_runs, read_run, seal_of

FOLDER = Path(__file__).parent.parent / "results" / "data"
RUNS = find_runs(FOLDER)
TABLES = ("omniglot-to-glyphs", "text")


def test_there_is_a_table_for_each_folder() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} - {"README"} == set(TABLES)
    assert {path.parent.name for path in RUNS} == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_what_the_leaderboard_makes_of_the_records(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["leaderboard", "--wide", str(FOLDER / name)]) == 0
    table = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.strip() == table.strip()


@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
def test_a_mean_follows_from_its_episodes_and_the_record_is_whole(run: Path) -> None:
    record = read_run(run)
    assert seal_of(run) == "whole"
    assert record.outcome is not None
    assert record.audit is not None and not record.audit.errors
    assert sha256_of(run / EPISODES_FILE) == record.outcome.episodes_file_sha256
    with (run / EPISODES_FILE).open(newline="") as file:
        scores = np.array([float(row[record.outcome.metric]) for row in csv.DictReader(file)])
    assert record.outcome.mean == pytest.approx(scores.mean(), abs=1e-12)
    assert record.outcome.n == len(scores) == 1000


def test_weights_of_the_test_on_glyphs_are_those_of_runs_on_omniglot() -> None:
    trained = [read_run(run) for run in find_runs(FOLDER.parent / "methods" / "omniglot")]
    known = {record.outcome.checkpoint_sha256 for record in trained if record.outcome}
    for run in find_runs(FOLDER / "omniglot-to-glyphs"):
        record = read_run(run)
        assert record.weights_from in known
        assert (record.data.name, record.tested.name) == ("omniglot", "glyphs")

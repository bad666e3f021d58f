"""The tables of all methods that the repository shows, against the records beside them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from bench.cli import run_command_line
from bench.files import sha256_of
from bench.leaderboard import collect, render
from bench.registry import load_registry
from bench.results import EPISODES_FILE, find_runs, read_run, seal_of
from bench.statistics import t_interval

FOLDER = Path(__file__).parent.parent / "results" / "methods"
RUNS = find_runs(FOLDER)
TABLES = sorted(FOLDER.glob("*.md"))


def test_there_is_a_table_for_each_dataset() -> None:
    shown = {path.stem for path in TABLES} - {"README", "audit"}
    assert shown == {path.parent.name for path in RUNS} == {"glyphs", "omniglot", "sinusoid"}


@pytest.mark.parametrize("data", ["glyphs", "omniglot", "sinusoid"])
def test_a_table_is_what_the_leaderboard_makes_of_the_records(data: str) -> None:
    table = (FOLDER / f"{data}.md").read_text(encoding="utf-8")
    assert table.strip() == render(collect(FOLDER / data), "markdown").strip()


def test_the_table_of_audits_is_that_of_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(run) for run in find_runs(FOLDER / "omniglot")]
    assert run_command_line(["audit", "--kept", *runs]) == 0
    kept = (FOLDER / "audit.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.strip() in kept


@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
def test_a_headline_follows_from_the_records_of_its_episodes(run: Path) -> None:
    record = read_run(run)
    assert record.status == "complete"
    assert record.outcome is not None
    assert sha256_of(run / EPISODES_FILE) == record.outcome.episodes_file_sha256
    with (run / EPISODES_FILE).open(newline="") as file:
        scores = np.array([float(row[record.outcome.metric]) for row in csv.DictReader(file)])
    interval = t_interval(scores)
    assert record.outcome.n == len(scores) == record.protocol.episodes
    assert record.outcome.mean == pytest.approx(interval.mean, abs=1e-12)
    assert record.outcome.half_width == pytest.approx(interval.half_width, abs=1e-12)


@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
def test_a_row_is_audited_and_whole_and_queries_inform_one_another_as_declared(run: Path) -> None:
    record = read_run(run)
    assert seal_of(run) == "whole"
    assert record.audit is not None
    assert record.audit.verdict == (
        "transductive" if record.algorithm.transduction else "inductive"
    )


@pytest.mark.parametrize("data", ["glyphs", "omniglot"])
def test_every_method_for_classes_has_a_row(data: str) -> None:
    registry = load_registry()
    own = {name for r in registry.plugins if r.source == "fewshot-bench" for name in r.algorithms}
    wanted = {name for name in own if "classification" in registry.algorithm(name).tasks}
    assert {read_run(run).algorithm.name for run in find_runs(FOLDER / data)} == wanted


def test_every_method_for_curves_has_a_row() -> None:
    registry = load_registry()
    own = {name for r in registry.plugins if r.source == "fewshot-bench" for name in r.algorithms}
    wanted = {name for name in own if "regression" in registry.algorithm(name).tasks}
    assert {read_run(run).algorithm.name for run in find_runs(FOLDER / "sinusoid")} == wanted

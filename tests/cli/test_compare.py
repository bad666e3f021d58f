"""`bench compare`: what it prints, its JSON, its exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cli import run_command_line
from bench.results import EPISODES_FILE
from tests.bench.written_runs import Records, ids_of, with_parts, write_run

RNG = np.random.default_rng(0)
EASY = RNG.normal(0, 0.1, 200)
IDS = ids_of(200)


def bench(*arguments: str) -> int:
    return run_command_line(list(arguments))


def scores(mean: float) -> np.ndarray:
    return np.asarray(mean + EASY + RNG.normal(0, 0.02, 200))


@pytest.fixture
def results(tmp_path: Path, make_record: Records) -> Path:
    """Two methods with three seeds each, and one run on other data."""
    for name, mean in (("good", 0.9), ("poor", 0.8)):
        for seed in range(3):
            record = with_parts(make_record(name), training={"seed": seed})
            write_run(tmp_path / f"{name}-{seed}", record, scores(mean + seed / 500), IDS)
    write_run(tmp_path / "elsewhere", make_record(data="far"), scores(0.5), IDS)
    return tmp_path


def test_a_pair_is_one_row_with_a_verdict_and_the_rule_below(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("compare", "good-0", "poor-0", "--results", str(results)) == 0
    printed = capsys.readouterr().out
    (row,) = [line for line in printed.splitlines() if line.startswith("A - B ")]
    assert row.split()[-1] == "better" and row.split()[3].startswith("+")
    assert "200 episodes, paired by episode id" in printed
    assert "p (10,000 sign flips) below 0.05 for the only pair" in printed
    assert "0.5 point" in printed


def test_json_has_every_figure(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("poor-0", "good-0", "good-1")
    assert bench("compare", *names, "--results", str(results), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["runs"] == [[name] for name in names]
    assert [(p["first"], p["second"], p["verdict"]) for p in found["pairs"]] == [
        ("poor-0", "good-0", "worse"),
        ("poor-0", "good-1", "worse"),
        ("good-0", "good-1", "not separable"),
    ]
    for pair in found["pairs"]:
        assert pair["p"] <= pair["adjusted"] <= 1
        assert pair["difference"]["low"] < pair["difference"]["mean"] < pair["difference"]["high"]
        assert pair["difference"]["half_width"] < pair["unpaired"]["half_width"]


def test_fail_if_worse_is_exit_code_1_for_the_worse_and_0_for_the_better(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--results", str(results), "--fail-if-worse")
    assert bench("compare", "good-0", "poor-0", *where) == 0
    assert bench("compare", "good-0", "good-1", *where) == 0
    assert bench("compare", "poor-0", "good-0", "poor-1", *where) == 1
    assert "poor-0 is worse than good-0" in capsys.readouterr().err
    assert bench("compare", "poor-0", "good-0", "--rope", "15", *where) == 0


def test_by_seed_takes_the_seeds_as_units(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(results / f"{name}-{seed}") for name in ("good", "poor") for seed in range(3)]
    assert bench("compare", *folders, "--by-seed") == 0
    printed = capsys.readouterr().out
    assert "paired by seed (3); 200 common episodes" in printed
    assert printed.count("3 seeds") == 2
    assert "sign flips" not in printed
    (row,) = [line for line in printed.splitlines() if line.startswith("A - B ")]
    assert row.split()[-1] == "better"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("good-0",), "name two or more"),
        (("good-0", "poor-0", "--rope", "nan"), "--rope is nan"),
        (("good-0", "poor-0", "--rope", "-1"), "-1"),
        (("good-0", "elsewhere"), "only runs on the same data can be compared"),
        (("good", "poor-0"), "'good' is not one run but 3"),
        (("good-0", "god-1"), "no run 'god-1'"),
        (("good-0", "poor-0", "--by-seed"), "one seed has no spread"),
        (("good-0", "good-1", "good-2", "--by-seed"), "name two or more"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(
    arguments: tuple[str, ...], told: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("compare", *arguments, "--results", str(results)) == 4
    captured = capsys.readouterr()
    assert told in captured.err and captured.err.count("\n") == 1
    assert captured.out == ""


def test_an_altered_run_is_refused(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = results / "good-0" / EPISODES_FILE
    path.write_text(path.read_text().replace("\n1,", "\n7,", 1))
    assert bench("compare", "good-0", "poor-0", "--results", str(results)) == 4
    assert "was altered" in capsys.readouterr().err


def test_constant_runs_give_json_that_parses(
    tmp_path: Path, make_record: Records, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without spread there is neither correlation nor effect size; JSON knows no infinity."""
    for name, mean in (("a", 0.2), ("b", 0.4)):
        write_run(tmp_path / name, make_record(name), np.full(5, mean), ids_of(5))
    assert bench("compare", "a", "b", "--results", str(tmp_path), "--json") == 0
    (pair,) = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["pairs"]
    assert pair["difference"]["effect"] is None and pair["difference"]["correlation"] is None


def test_errors_are_compared_in_their_own_unit(
    tmp_path: Path, make_record: Records, capsys: pytest.CaptureFixture[str]
) -> None:
    record = make_record()
    record = replace(record, data=replace(record.data, task="regression"))
    for name, mean in (("near", 1.0), ("far", 2.0)):
        write_run(tmp_path / name, record, scores(mean), IDS)
    assert bench("compare", "near", "far", "--results", str(tmp_path)) == 0
    printed = capsys.readouterr().out
    (row,) = [line for line in printed.splitlines() if line.startswith("A - B ")]
    assert float(row.split()[3]) == pytest.approx(-1, abs=0.01)
    assert row.split()[-1] == "better"
    assert "5% of the error" in printed

"""Verdicts: within the larger tolerance, above, missed, or not compared and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row
from bench.measurements import AuditRecord
from bench.published import Published, Setting
from bench.reproduction.number import number_of
from bench.reproduction.verdict import allowance, verdict_of
from bench.suite import Tolerance
from tests.bench.written_runs import Records, with_parts


def number(setting: Setting = "inductive") -> Published:
    found = number_of("ProtoNet", "omniglot", "5w1s")
    assert found is not None and found.text == "98.8"  # Snell et al. 2017, Table 1
    return replace(found, setting=setting)


def row(make_record: Records, *means: float, verdict: Any = "inductive", altered: str = "") -> Row:
    entries = []
    for seed, mean in enumerate(means):
        record = with_parts(make_record(accuracy=mean), training={"seed": seed})
        record = replace(record, audit=AuditRecord(verdict, 5, ()) if verdict else None)
        entries.append(Entry(Path(str(seed)), record, altered=altered))
    return Row(tuple(entries))


@pytest.mark.parametrize(
    ("mean", "word", "difference"),
    [
        (0.978, "pass", -1.0),  # in floats a little more than one point
        (0.9779, "miss", -1.01),
        (0.998, "pass", 1.0),
        (0.9981, "above", 1.01),
        (0.988, "pass", 0.0),
    ],
)
def test_one_seed_may_differ_by_the_points(
    mean: float, word: str, difference: float, make_record: Records
) -> None:
    found = verdict_of(row(make_record, mean), number(), Tolerance(1.0, 2.0))
    assert (found.word, found.reason, found.tolerance) == (word, "", 1.0)
    assert found.difference == pytest.approx(difference)


def test_seeds_far_apart_may_differ_by_two_of_their_deviations(make_record: Records) -> None:
    means = (0.95, 0.97, 0.99)  # s = 2 points; the mean is 1.8 points below 98.8
    found = verdict_of(row(make_record, *means), number(), Tolerance(1.0, 2.0))
    assert found.tolerance == pytest.approx(4.0)
    assert found.difference == pytest.approx(-1.8) and found.word == "pass"
    strict = verdict_of(row(make_record, *means), number(), Tolerance(1.0, 0.8))
    assert strict.tolerance == pytest.approx(1.6) and strict.word == "miss"


def test_seeds_close_together_may_differ_by_the_points(make_record: Records) -> None:
    close = row(make_record, 0.9770, 0.9772, 0.9774)  # s = 0.02 points
    assert allowance(close, Tolerance(1.0, 2.0)) == 1.0
    assert allowance(close, Tolerance(0.01, 2.0)) == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("published", "measured", "reason"),
    [
        ("inductive", "inductive", ""),
        ("inductive", "transductive", "another mode"),
        ("transductive", "inductive", "another mode"),
        ("transductive", "transductive", ""),
        ("transductive", "batch-dependent", ""),
        ("inductive", "batch-dependent", "another mode"),
        ("unclear", "inductive", ""),
        ("unclear", "transductive", ""),
        ("unclear", "error", "audit error"),
        ("inductive", "error", "audit error"),
    ],
)
def test_only_numbers_of_the_same_setting_are_compared(
    published: Setting, measured: str, reason: str, make_record: Records
) -> None:
    found = verdict_of(row(make_record, 0.98, verdict=measured), number(published), Tolerance())
    assert found.reason == reason
    assert found.word == ("-" if reason else "pass")
    assert found.difference == pytest.approx(-0.8)  # shown all the same


def test_without_an_audit_what_is_declared_counts(make_record: Records) -> None:
    unaudited = row(make_record, 0.98, verdict=None)
    assert verdict_of(unaudited, number("inductive"), Tolerance()).word == "pass"
    assert verdict_of(unaudited, number("transductive"), Tolerance()).reason == "another mode"


def test_an_altered_run_reproduces_nothing(make_record: Records) -> None:
    altered = row(make_record, 0.988, altered="run.json is not what the run wrote")
    found = verdict_of(altered, number(), Tolerance())
    assert (found.word, found.reason) == ("-", "altered")


def test_without_a_published_number_nothing_is_said(make_record: Records) -> None:
    found = verdict_of(row(make_record, 0.98), None, Tolerance())
    assert (found.word, found.difference, found.tolerance) == ("-", None, None)

"""Timings: those of different machines are marked, and so are those under doubt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row
from bench.leaderboard.timings import timings_of
from bench.measurements import CostRecord, MachineRecord
from bench.results import RunRecord
from tests.bench.written_runs import Records, with_parts

COST = CostRecord(50, 12.34, 15.0, 0.5, 0.6, 100.0, None, None, None)


def machine(card: str) -> MachineRecord:
    return MachineRecord(card * 64, "a cpu", 2, 1, "cpu", "2.13", "mkl", "", 90.0)


def row(record: RunRecord) -> Row:
    return Row((Entry(Path("x"), record),))


def test_on_one_machine_nothing_is_marked(make_record: Records) -> None:
    rows = [row(make_record(machine=machine("a"), cost=COST)) for _ in range(2)]
    timings = timings_of(rows)
    assert [timings.trained(one) for one in rows] == ["12 s", "12 s"]
    assert timings.adaptation(rows[0]) == "12.3"
    assert timings.notes == ()


def test_machines_are_numbered_and_explained(make_record: Records) -> None:
    rows = [row(make_record(machine=machine(card))) for card in "ab"] + [row(make_record())]
    timings = timings_of(rows)
    marks = [timings.trained(one) for one in rows]
    assert sorted(marks) == ["12 s [1]", "12 s [2]", "12 s [3]"]
    (note,) = timings.notes
    assert "cannot be compared" in note
    assert "card aaaaaaaa" in note and "card bbbbbbbb" in note and "no card" in note


def test_seeds_from_two_machines_show_both(make_record: Records) -> None:
    entries = [Entry(Path("x"), make_record(machine=machine(card))) for card in "ab"]
    both = Row(tuple(entries))
    assert timings_of([both]).trained(both) == "12 s [1,2]"


def test_a_doubt_is_a_question_mark_with_its_reason(make_record: Records) -> None:
    doubted = row(make_record(machine=machine("a"), cost=replace(COST, doubt="load 5.0")))
    timings = timings_of([doubted])
    assert timings.adaptation(doubted) == "12.3?"
    assert timings.notes == ("?: a time not to be trusted: load 5.0",)


def test_runs_that_were_not_timed_have_a_dash_and_no_machine(make_record: Records) -> None:
    untimed = row(make_record(seconds={}, machine=machine("b")))
    timed = row(make_record(machine=machine("a")))
    timings = timings_of([untimed, timed])
    assert timings.trained(untimed) == "-"
    assert timings.trained(timed) == "12 s"
    assert timings.adaptation(timed) == "-"


def test_core_seconds_are_beyond_doubt_and_seconds_in_their_place_are_marked(
    make_record: Records,
) -> None:
    cost = replace(COST, doubt="load 5.0")
    known = with_parts(make_record(machine=machine("a"), cost=cost), training={"core_seconds": 1e4})
    rows = [row(known), row(make_record(machine=machine("b"), cost=cost))]
    timings = timings_of(rows)
    assert [timings.core_seconds(one) for one in rows] == ["10,000 [1]", "12 [2] (by the clock)"]
    untimed = row(make_record(seconds={}))
    assert timings_of([untimed]).core_seconds(untimed) == "-"

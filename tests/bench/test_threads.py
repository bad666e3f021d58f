"""Threads: one for each core that nobody else is using, unless the user says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import threads
from bench.threads import Reading, busy_cores, choose_threads, read_processor, usable_cores


@pytest.fixture
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(threads, "usable_cores", lambda: 4)


@pytest.mark.parametrize(
    ("busy", "expected"), [(0.0, 4), (0.4, 4), (0.6, 3), (1.0, 3), (3.0, 1), (3.9, 1), (9.0, 1)]
)
@pytest.mark.usefixtures("four_cores")
def test_there_is_a_thread_for_each_idle_core_and_at_least_one(busy: float, expected: int) -> None:
    assert choose_threads(0, busy, {}) == expected


def test_the_load_of_cores_that_are_not_ours_matters_only_when_none_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(threads, "usable_cores", lambda: 4)
    assert choose_threads(0, 50.0, {}) == 4
    assert choose_threads(0, 62.0, {}) == 2


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "MKL_NUM_THREADS"])
@pytest.mark.usefixtures("four_cores")
def test_what_the_user_says_holds_the_flag_before_the_environment(name: str) -> None:
    assert choose_threads(0, 3.0, {name: "2"}) is None
    assert choose_threads(7, 3.0, {name: "2"}) == 7
    assert choose_threads(7, 3.0, {}) == 7


def test_busy_cores_are_the_work_of_others_by_the_clock() -> None:
    before = Reading(clock=10.0, work=100.0, own=1.0)
    # Two seconds later: 5 seconds of work on all cores, 1.5 of them our own.
    after = Reading(clock=12.0, work=105.0, own=2.5)
    assert busy_cores(before, after) == pytest.approx(1.75)


def test_what_cannot_be_known_counts_as_idle() -> None:
    some = Reading(clock=10.0, work=100.0, own=1.0)
    soon = Reading(clock=10.01, work=100.02, own=1.0)
    alone = Reading(clock=12.0, work=101.9, own=3.0)
    assert busy_cores(None, some) == busy_cores(some, None) == 0
    assert busy_cores(some, soon) == 0
    assert busy_cores(some, alone) == 0


def test_the_counters_are_those_of_the_first_line(tmp_path: Path) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    counters = tmp_path / "stat"
    # user nice system idle iowait irq softirq steal guest guest_nice; idle and iowait are no work
    counters.write_text("cpu  100 20 300 999 999 4 5 6 7 8\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    reading = read_processor(counters)
    assert reading is not None
    assert reading.work == pytest.approx((100 + 20 + 300 + 4 + 5 + 6) / ticks)
    assert 0 < reading.own < reading.clock


@pytest.mark.parametrize("text", ["", "cpu  1 2 3", "nonsense"])
def test_a_system_without_such_counters_gives_no_reading(text: str, tmp_path: Path) -> None:
    (tmp_path / "stat").write_text(text)
    assert read_processor(tmp_path / "stat") is None
    assert read_processor(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("10000 100000", 1),
        ("1600000 100000", 8),
        ("oddity", 8),
    ],
)
def test_a_container_s_quota_limits_the_cores(
    text: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    (tmp_path / "cpu.max").write_text(text)
    assert usable_cores(tmp_path / "cpu.max") == expected
    assert usable_cores(tmp_path / "none") == 8

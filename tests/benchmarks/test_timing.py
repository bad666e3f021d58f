"""Timing, with a clock that moves only when told to."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.timing import (
    Clock,
    Sample,
    calibrate,
    cpu_ratios,
    cpu_seconds,
    measure,
    ratios,
    spread_of,
    turns,
)


class Stage:
    """Work that takes a given time by a clock of its own; the first call takes longer."""

    def __init__(self, seconds: float, first: float = 0.0) -> None:
        self.now, self.seconds, self.extra, self.calls = 0.0, seconds, first, 0
        self.clock = Clock(lambda: self.now, lambda: 2 * self.now)

    def run(self) -> None:
        self.now += self.seconds + self.extra
        self.extra, self.calls = 0.0, self.calls + 1


def test_a_measurement_has_both_times_and_all_units() -> None:
    stage = Stage(0.25)
    sample = measure(stage.run, units=3, calls=4, clock=stage.clock)
    assert sample == Sample(wall=1.0, cpu=2.0, units=12)
    assert (sample.rate, sample.cpu_rate) == (12.0, 6.0)


@pytest.mark.parametrize(
    ("each", "wanted", "calls"), [(0.01, 0.7, 70), (0.5, 0.7, 1), (3.0, 0.7, 1), (0.2, 0.8, 4)]
)
def test_calls_are_repeated_until_they_last_as_long_as_asked(
    each: float, wanted: float, calls: int
) -> None:
    stage = Stage(each)
    assert calibrate(stage.run, wanted, stage.clock) == calls


def test_a_slow_first_call_does_not_shorten_the_measurement() -> None:
    stage = Stage(0.1, first=60.0)
    assert calibrate(stage.run, 1.0, stage.clock) == 10


def test_work_that_takes_no_time_is_not_repeated_for_ever() -> None:
    stage = Stage(0.0)
    assert calibrate(stage.run, 1.0, stage.clock) == 100_000


def test_every_member_has_one_turn_a_round_and_the_order_changes() -> None:
    members = list("abcdef")
    taken = list(turns(members, 20, np.random.default_rng(0)))
    rounds = [[m for number, m in taken if number == r] for r in range(20)]
    assert all(sorted(one) == members for one in rounds)
    assert len({tuple(one) for one in rounds}) > 15
    assert taken == list(turns(members, 20, np.random.default_rng(0)))


def test_ratios_are_taken_within_a_round() -> None:
    ours = [Sample(1.0, 1.0, 100), Sample(10.0, 5.0, 100)]  # the second round was slow for both
    theirs = [Sample(1.0, 2.0, 50), Sample(10.0, 5.0, 50)]
    assert ratios(ours, theirs) == [2.0, 2.0]
    assert cpu_ratios(ours, theirs) == [4.0, 2.0]


def test_a_spread_is_half_the_range_over_the_median() -> None:
    spread = spread_of([4.0, 1.0, 2.0])
    assert (spread.median, spread.low, spread.high) == (2.0, 1.0, 4.0)
    assert spread.relative == 0.75


def test_processor_time_goes_on_with_work() -> None:
    before = cpu_seconds()
    total = sum(range(300_000))
    assert total == 44999850000
    assert cpu_seconds() > before

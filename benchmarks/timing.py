"""Timing: how often to repeat, in which order to take turns, and what a set of turns says."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

T = TypeVar("T")
MOST_REPETITIONS = 100_000


def cpu_seconds() -> float:
    """Returns the processor time that this process, with all threads and children, has used."""
    spent = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


@dataclass(frozen=True)
class Clock:
    """Two ways to tell the time, both in seconds."""

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = cpu_seconds


@dataclass(frozen=True)
class Sample:
    """One measurement: seconds by both clocks, for `units` units of work."""

    wall: float
    cpu: float
    units: int

    @property
    def rate(self) -> float:
        """Units per second on the wall clock."""
        return self.units / self.wall

    @property
    def cpu_rate(self) -> float:
        """Units per second of processor time."""
        return self.units / self.cpu


@dataclass(frozen=True)
class Spread:
    """The median of several measurements, with the smallest and the largest."""

    median: float
    low: float
    high: float

    @property
    def relative(self) -> float:
        """Half the range as a share of the median."""
        return (self.high - self.low) / 2 / abs(self.median) if self.median else 0.0


def spread_of(values: Sequence[float]) -> Spread:
    """Returns median and range of at least one value."""
    return Spread(float(np.median(values)), min(values), max(values))


def calibrate(run: Callable[[], object], seconds: float, clock: Clock) -> int:
    """Returns how many calls take about `seconds`, at least one; warms up on the way.

    The first call is not counted. Then calls are doubled until they last long enough to tell.
    """
    run()
    calls = 1
    while True:
        elapsed = measure(run, 1, calls, clock).wall
        if elapsed >= seconds / 4 or calls >= MOST_REPETITIONS:
            wanted = math.floor(seconds / max(elapsed / calls, 1e-9) + 0.5)
            return max(1, min(wanted, MOST_REPETITIONS))
        calls *= 2


def measure(run: Callable[[], object], units: int, calls: int, clock: Clock) -> Sample:
    """Calls `run` so many times, each doing `units` units, and returns how long that took."""
    wall, cpu = clock.wall(), clock.cpu()
    for _ in range(calls):
        run()
    return Sample(clock.wall() - wall, clock.cpu() - cpu, units * calls)


def turns(members: Sequence[T], rounds: int, rng: np.random.Generator) -> Iterator[tuple[int, T]]:
    """Yields (round, member): every member once in each round, in a new random order."""
    for number in range(rounds):
        for place in rng.permutation(len(members)):
            yield number, members[int(place)]


def ratios(ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[float]:
    """Returns, round by round, how many times as many units per second we do."""
    return [a.rate / b.rate for a, b in zip(ours, theirs, strict=True)]


def cpu_ratios(ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[float]:
    """Returns, round by round, how many times as many units per processor-second we do."""
    return [a.cpu_rate / b.cpu_rate for a, b in zip(ours, theirs, strict=True)]

"""Rows: runs that differ in the training seed alone are one row of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.comparison.configurations import configuration
from bench.leaderboard.entry import Entry
from bench.scores import Floats
from bench.statistics import Interval, t_interval
from bench.tasks import Metric


@dataclass(frozen=True)
class Row:
    """The finished runs of one configuration, by seed; or one run that did not finish."""

    entries: tuple[Entry, ...]

    @property
    def first(self) -> Entry:
        """The run of the smallest seed, which has all that the runs share."""
        return self.entries[0]

    @property
    def metric(self) -> Metric:
        """What the runs are judged by."""
        return self.first.metric

    @property
    def seeds(self) -> tuple[int, ...]:
        """The training seeds."""
        return tuple(entry.record.training.seed for entry in self.entries)

    @cached_property
    def means(self) -> dict[int, float]:
        """The mean of each finished run, by seed."""
        return {
            entry.record.training.seed: entry.record.outcome.mean
            for entry in self.entries
            if entry.record.outcome
        }

    @cached_property
    def over_seeds(self) -> Interval | None:
        """The mean over seeds with Student's t over these; None if there are not several."""
        return t_interval(np.array([*self.means.values()])) if len(self.means) > 1 else None

    @property
    def mean(self) -> float | None:
        """The mean over seeds, or of the only run; None if it did not finish."""
        return float(np.mean([*self.means.values()])) if self.means else None

    @property
    def half_width(self) -> float | None:
        """That of the mean: over seeds if there are several, else the run's headline."""
        if self.over_seeds:
            return self.over_seeds.half_width
        return self.over_episodes

    @property
    def over_episodes(self) -> float | None:
        """The half-width over episodes, of the runs one by one; their mean if there are several."""
        each = [
            entry.record.outcome.half_width
            for entry in self.entries
            if entry.record.outcome and entry.record.outcome.half_width is not None
        ]
        return float(np.mean(each)) if each else None

    @cached_property
    def scores(self) -> Floats | None:
        """The mean over seeds of each episode's score, (e,); None if any run has none."""
        each = [entry.scores.values for entry in self.entries if entry.scores]
        if len(each) < len(self.entries) or len({len(values) for values in each}) != 1:
            return None
        return np.asarray(np.mean(each, axis=0))

    @property
    def verified(self) -> str:
        """The badge of the runs together: the worst of them, or how many were verified."""
        badges = [entry.verified for entry in self.entries]
        for bad in ("altered", "failed"):
            if bad in badges:
                return bad
        done = [badge for badge in badges if badge]
        if 0 < len(done) < len(badges):
            return f"{len(done)} of {len(badges)}"
        return "within tolerance" if "within tolerance" in done else "".join(done[:1])


def rows_of(entries: Iterable[Entry]) -> list[Row]:
    """Puts finished runs that differ in the seed alone into one row, all others into their own.

    A seed that was run twice has its second run in a row of its own.
    """
    merged: dict[bytes, dict[int, Entry]] = {}
    alone: list[Entry] = []
    for entry in entries:
        if entry.record.outcome is None or entry.record.status != "complete":
            alone.append(entry)
            continue
        members = merged.setdefault(configuration(entry.record), {})
        seed = entry.record.training.seed
        if seed in members:
            alone.append(entry)
        else:
            members[seed] = entry
    groups = [tuple(members[seed] for seed in sorted(members)) for members in merged.values()]
    return [Row(group) for group in groups] + [Row((entry,)) for entry in alone]

"""Standings: groups of rows that cannot be told apart, and the places that a row may have."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.comparison.configurations import seed_difference
from bench.comparison.difference import paired_p
from bench.comparison.holm import holm
from bench.comparison.rope import margin, size_of
from bench.comparison.verdict import LEVEL
from bench.leaderboard.row import Row
from bench.statistics import t_interval, t_quantile
from bench.statistics.student import Ends

LETTERS = string.ascii_lowercase + string.ascii_uppercase
MOST = 100
"""Rows of a section that get letters; among more only ranks can be read."""
BY_SEED = (
    "of several seeds each, also with seeds as the unit; of several seeds and a single run, also "
    "the run outside the 95% prediction interval of the seeds"
)
"""What else is asked for where there are several seeds."""


@dataclass(frozen=True)
class Standing:
    """The group letters of a row, and the best and the worst place that it may have.

    `leads` says that it is the first row or is not told apart from it.
    """

    group: str
    best: int
    worst: int
    leads: bool

    @property
    def ranks(self) -> str:
        """The places for reading: `1-3`."""
        return f"{self.best}" if self.best == self.worst else f"{self.best}-{self.worst}"


def standings(rows: Sequence[Row]) -> tuple[Standing | None, ...]:
    """Returns the standing of each row, best first; None for those without episodes' scores.

    All rows were tested on the same episodes.
    """
    known = [number for number, row in enumerate(rows) if row.scores is not None]
    if not known:
        return (None,) * len(rows)
    apart = separated([rows[number] for number in known])
    places = _places(apart)
    groups = letters(apart) if len(known) <= MOST else ["-"] * len(known)
    found: list[Standing | None] = [None] * len(rows)
    leads = (~apart[0]).tolist()
    for number, (best, worst), group, lead in zip(known, places, groups, leads, strict=True):
        found[number] = Standing(group, best, worst, lead)
    return tuple(found)


def separated(rows: Sequence[Row]) -> NDArray[np.bool_]:
    """Tells which rows are told apart, (k, k).

    By a paired t test on the same episodes, after Holm's correction over all pairs, if they differ
    by more than the region of practical equivalence. Two rows of several seeds each are told apart
    if they are with seeds as the unit, too: the larger p counts. A row of several seeds and one of
    a single seed are told apart only if the single run also lies outside `predicted_run`, of which
    there is no correction: after Holm's, two or three seeds could hardly tell anything apart.
    """
    k = len(rows)
    scores = np.stack([row.scores for row in rows if row.scores is not None], axis=1)
    p = paired_p(scores) if len(scores) > 1 else np.ones((k, k))
    several = [number for number, row in enumerate(rows) if len(row.means) > 1]
    for place, i in enumerate(several):
        for j in several[place + 1 :]:
            p[i, j] = max(p[i, j], seed_difference(rows[i].means, rows[j].means)[0].p)
    upper = np.triu_indices(k, 1)
    adjusted = holm(p[upper])
    means, metric = scores.mean(0), rows[0].metric
    limit = margin(metric, size_of(metric, None), means[upper[0]], means[upper[1]])
    apart = np.zeros((k, k), bool)
    apart[upper] = (adjusted < LEVEL) & (np.abs(means[upper[0]] - means[upper[1]]) > limit)
    for i in several:
        ends = predicted_run([*rows[i].means.values()])
        for j in set(range(k)) - set(several):
            if ends.low <= means[j] <= ends.high:
                apart[min(i, j), max(i, j)] = False
    return apart | apart.T


def predicted_run(means: Sequence[float]) -> Ends:
    """Returns where one more run of a configuration is expected, by the means of S >= 2 seeds.

    The 95% prediction interval: mean +- t(0.975, S-1) * s * sqrt(1 + 1/S), s with ddof 1.
    """
    over = t_interval(np.array(means))
    reach = t_quantile(over.n - 1) * over.std * (1 + 1 / over.n) ** 0.5
    return Ends(over.mean - reach, over.mean + reach)


def _places(apart: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Returns the best and worst place of each of k rows, which stand best first."""
    k = len(apart)
    better, worse = np.tril(apart, -1).sum(1), np.triu(apart, 1).sum(1)
    return [(1 + int(better[i]), k - int(worse[i])) for i in range(k)]


def letters(apart: NDArray[np.bool_]) -> list[str]:
    """Returns the letters of each row: two rows share one if and only if they are not told apart.

    Insert and absorb (Piepho 2004): begin with one group of all rows. For each two that are told
    apart, split every group that has both into one without the first and one without the second;
    drop groups that lie within another. Groups are sets of bits here.
    """
    k = len(apart)
    groups = {(1 << k) - 1}
    for i, j in np.argwhere(np.triu(apart, 1)).tolist():
        both = (1 << i) | (1 << j)
        split = [group for group in groups if group & both == both]
        groups.difference_update(split)
        for part in [group & ~(1 << one) for group in split for one in (i, j)]:
            if not any(part & other == part for other in groups):
                groups = {other for other in groups if other & part != other} | {part}
    ordered = sorted(groups, key=lambda group: [i for i in range(k) if group >> i & 1])
    return [
        "".join(_letter(place) for place, group in enumerate(ordered) if group >> i & 1)
        for i in range(k)
    ]


def _letter(place: int) -> str:
    return LETTERS[place] if place < len(LETTERS) else f"({place + 1})"

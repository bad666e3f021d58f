"""Several datasets: average ranks, and how far apart they must be to mean anything.

From six independent datasets on, after Demsar (2006): Friedman's test, then Nemenyi's critical
difference. Variants of one dataset are not independent, so their means come first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from bench.leaderboard.row import Row
from bench.leaderboard.sections import RANKED, Section
from bench.scores import Floats

LEAST = 6
"""Datasets. With five, nothing but a clean sweep can be significant."""


def comparison_of_datasets(sections: Sequence[Section]) -> tuple[str, ...]:
    """Returns what there is to say of all datasets together, line by line."""
    names = {_data(section) for section in sections}
    if len(names) < 2:
        return ()
    if len(names) < LEAST:
        return (
            f"no ranking over datasets and no critical-difference diagram: a Friedman/Nemenyi "
            f"comparison needs at least {LEAST} datasets; here are {len(names)}",
        )
    return tuple(
        line
        for title in RANKED
        if (chosen := [section for section in sections if section.title == title])
        for line in _lines(title, chosen)
    )


def _lines(title: str, sections: Sequence[Section]) -> Iterator[str]:
    """Yields the average ranks in all sections of one title, with the critical difference."""
    means: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for section in sections:
        of_method: dict[str, list[float]] = defaultdict(list)
        for row in section.rows:
            of_method[_method(row)].append(_high_is_good(row.mean, section))
        for label, found in of_method.items():  # the mean: the best of several would be a choice
            means[_data(section)][label].append(float(np.mean(found)))
    protocols = {data: sum(_data(section) == data for section in sections) for data in means}
    complete = sorted(
        label
        for label in {label for table in means.values() for label in table}
        if all(len(table.get(label, ())) == protocols[data] for data, table in means.items())
    )
    if len(means) < LEAST or len(complete) < 2:
        yield (
            f"{title}: no ranking over datasets; {len(complete)} methods were run on all of "
            f"{len(means)} datasets, it takes at least 2 methods and {LEAST} datasets"
        )
        return
    table = np.array([[np.mean(means[data][label]) for label in complete] for data in means])
    ranks, p, difference = friedman_nemenyi(table)
    order = np.argsort(ranks, kind="stable")
    listed = ", ".join(f"{complete[i]} {ranks[i]:.2f}" for i in order)
    yield (
        f"{title}, {len(complete)} methods on {len(means)} datasets, average ranks: {listed}. "
        f"Friedman p = {p:.4f}; those that differ by less than {difference:.2f} (Nemenyi, 0.05) "
        "are not told apart"
    )


def friedman_nemenyi(table: Floats) -> tuple[Floats, float, float]:
    """Returns average ranks (k,), Friedman's p, and Nemenyi's critical difference at 0.05.

    `table` is (N datasets, k methods), where more is better; equal values share their ranks' mean.
    The critical difference is q sqrt(k (k + 1) / (6 N)), q being the studentised range's quantile
    for k groups and infinite degrees of freedom, by sqrt 2 (Demsar 2006).
    """
    from scipy import special, stats  # slow to import, and few tables come here

    count, k = table.shape
    ranks = stats.rankdata(-table, axis=1)
    mean = ranks.mean(0)
    spread = float(np.square(ranks - (k + 1) / 2).sum()) / (count * (k - 1))
    statistic = count * float(np.square(mean - (k + 1) / 2).sum()) / spread if spread else 0.0
    quantile = float(stats.studentized_range.ppf(0.95, k, np.inf)) / 2**0.5
    p = float(special.chdtrc(k - 1, statistic))
    return mean, p, quantile * (k * (k + 1) / (6 * count)) ** 0.5


def _method(row: Row) -> str:
    """Returns what makes rows of two datasets the same method."""
    record = row.first.record
    backbone = record.algorithm.backbone
    trained = f" trained on {record.data.name}" if record.test_data else ""
    return row.first.label + (f" on {backbone}" if backbone else "") + trained


def _data(section: Section) -> str:
    return section.rows[0].first.record.tested.name


def _high_is_good(mean: float | None, section: Section) -> float:
    value = float("-inf") if mean is None else mean
    return value if section.rows[0].metric.higher_is_better else -value

"""The region of practical equivalence: differences that are too small to matter."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.tasks import ACCURACY, Metric

Number = TypeVar("Number", float, NDArray[np.float64])

POINTS = 0.5
"""The region's default in points of accuracy."""
PERCENT = 5.0
"""Its default in regression, in percent of the two errors' mean: errors have no common scale."""


def size_of(metric: Metric, asked: float | None) -> float:
    """Returns the region's size, in points or percent: what was asked for, or the default."""
    if asked is not None:
        return asked
    return POINTS if metric == ACCURACY else PERCENT


def margin(metric: Metric, size: float, a: Number, b: Number) -> Number:
    """Returns the largest difference of means `a` and `b` that does not matter, in their unit."""
    if metric == ACCURACY:
        return size / 100 + 0 * a
    return size / 100 * (a + b) / 2


def words(metric: Metric, size: float) -> str:
    """Returns the size for reading: `0.5 point`."""
    if metric == ACCURACY:
        return f"{size:g} point{'s' if size > 1 else ''}"
    return f"{size:g}% of the error"

"""Student's t: the interval of a mean whose units are independent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

T_INTERVAL = "mean +- t(0.975, n-1) * s / sqrt(n), s with ddof 1, over episodes"


@dataclass(frozen=True)
class Interval:
    """A mean over n episodes with the half-width of its 95% interval, and how that was computed."""

    mean: float
    half_width: float
    std: float
    n: int
    formula: str = T_INTERVAL


def t_interval(values: NDArray[np.float64]) -> Interval:
    """Returns the Student-t 95% interval of the mean of `values` (n,).

    One value alone has no spread: its half-width is infinite.
    """
    n = len(values)
    if n < 2:
        return Interval(float(values.mean()), float("inf"), 0.0, n)
    std = float(values.std(ddof=1))
    return Interval(float(values.mean()), t_quantile(n - 1) * std / n**0.5, std, n)


def t_quantile(freedom: float, probability: float = 0.975) -> float:
    """Returns the quantile of Student's t with `freedom` degrees of freedom."""
    return float(special.stdtrit(freedom, probability))

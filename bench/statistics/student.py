"""Student's t: the interval of a mean whose units are independent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
T_INTERVAL = "mean +- t(0.975, n-1) * s / sqrt(n), s with ddof 1, over episodes"


@dataclass(frozen=True)
class Interval:
    """A mean over n episodes with the half-width of its 95% interval, and how that was computed."""

    mean: float
    half_width: float
    std: float
    n: int
    formula: str = T_INTERVAL


@dataclass(frozen=True)
class Ends:
    """Where an interval begins and where it ends."""

    low: float
    high: float

    def within(self, least: float, most: float) -> Ends:
        """Returns the part between `least` and `most`."""
        return Ends(min(max(self.low, least), most), max(min(self.high, most), least))


def t_interval(values: Floats) -> Interval:
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


def logit_ends(mean: float, half_width: float) -> Ends:
    """Returns the ends of an interval that is symmetric on the scale of log-odds.

    The half-width on that scale is `half_width` / (mean * (1 - mean)) (the delta method), so both
    ends are shares, and near the ceiling the lower one is further away. A mean of 0 or 1 has no
    log-odds: the interval is cut at both.
    """
    if not 0 < mean < 1:
        return Ends(mean - half_width, mean + half_width).within(0.0, 1.0)
    centre, reach = special.logit(mean), half_width / (mean * (1 - mean))
    return Ends(float(special.expit(centre - reach)), float(special.expit(centre + reach)))

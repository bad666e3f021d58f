"""Differences of two means: paired by episode, or of independent samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bench.statistics import t_quantile

Floats = NDArray[np.float64]
NO_SPREAD = 1e-12
"""A variance of differences that is less than this share of the scores' own is rounding."""


@dataclass(frozen=True)
class Difference:
    """The mean of one sample less that of another, with the half-width of its 95% interval.

    `p` is the two-sided one of Student's t with `freedom` degrees of freedom. A pairing also has
    a `correlation`, and an `effect`: the mean difference by the standard deviation of the
    differences (Cohen's d_z). These are None where there is no spread to divide by.
    """

    mean: float
    half_width: float
    p: float
    freedom: float
    correlation: float | None = None
    effect: float | None = None

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return self.mean + self.half_width


def paired(a: Floats, b: Floats) -> Difference:
    """Returns the difference of `a` and `b` (n,), of which values of one index belong together."""
    n = len(a)
    cross = np.cov(a, b) if n > 1 else np.full((2, 2), np.nan)
    variance = _spread_of_differences(cross[0, 0], cross[1, 1], cross[0, 1])
    mean = float((a - b).mean())
    both = float(np.sqrt(cross[0, 0] * cross[1, 1]))
    return Difference(
        mean,
        *_t(mean, variance / n, n - 1),
        n - 1,
        correlation=float(cross[0, 1]) / both if both > 0 else None,
        effect=mean / variance**0.5 if variance > 0 else None,
    )


def welch(a: Floats, b: Floats) -> Difference:
    """Returns the difference of two independent samples (n_a,) and (n_b,) (Welch 1947)."""
    mean = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return Difference(mean, float("inf"), float("nan"), 0.0)
    parts = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    whole = sum(parts)
    freedom = float(min(len(a), len(b)) - 1)
    if whole > 0:
        freedom = whole**2 / (parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1))
    return Difference(mean, *_t(mean, whole, freedom), freedom)


def paired_p(scores: Floats) -> Floats:
    """Returns the p-values (k, k) of paired t tests between all columns of `scores` (n, k)."""
    n, k = scores.shape
    cross = np.cov(scores, rowvar=False).reshape(k, k)
    own = np.diag(cross)
    variance = own[:, None] + own[None, :] - 2 * cross
    variance[variance <= NO_SPREAD * (own[:, None] + own[None, :])] = 0.0
    means = scores.mean(0)
    mean = np.abs(means[:, None] - means[None, :])
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * special.stdtr(n - 1, -mean / np.sqrt(variance / n))
    alike = mean <= NO_SPREAD * np.maximum(np.abs(means[:, None]), np.abs(means[None, :]))
    p[(variance == 0) & alike] = 1.0
    return np.asarray(p)


def _spread_of_differences(a: float, b: float, common: float) -> float:
    """Returns the variance of differences, from the variances and their covariance."""
    variance = a + b - 2 * common
    return 0.0 if variance <= NO_SPREAD * (a + b) else float(variance)


def _t(mean: float, variance: float, freedom: float) -> tuple[float, float]:
    """Returns the half-width and p of a mean whose variance was estimated.

    Without any spread the half-width is 0, and p is 1 for no difference, else 0. One value alone
    tells nothing: infinite, and not a number.
    """
    if freedom < 1 or np.isnan(variance):
        return float("inf"), float("nan")
    if variance == 0:
        return 0.0, 1.0 if abs(mean) < NO_SPREAD else 0.0
    error = variance**0.5
    return t_quantile(freedom) * error, float(2 * special.stdtr(freedom, -abs(mean) / error))

"""The bootstrap of a mean, for few episodes or for means close to the end of their scale."""

from __future__ import annotations

import numpy as np
from scipy import special

from bench.statistics.student import Ends, Floats, t_quantile

RESAMPLES = 5000
CHUNK = 250
"""Resamples drawn at a time, which bounds the memory."""


def bca_ends(values: Floats, seed: int = 0) -> Ends:
    """Returns the ends of the BCa bootstrap 95% interval of the mean of `values` (n,).

    Bias-corrected and accelerated (Efron 1987), the acceleration being that of the jackknife. As
    plain percentiles are too narrow for small n, the normal quantile is replaced by
    t(n-1) * sqrt(n / (n-1)): for symmetric values the interval is then about as long as
    Student's (Hesterberg 2015 calls it the expanded percentile interval).

    The values must not all be equal. The ends are within the least and the greatest value.
    """
    n, centre = len(values), float(values.mean())
    means = _resampled_means(values, np.random.default_rng(seed))
    below = float((means < centre).mean() + (means == centre).mean() / 2)
    bias = float(special.ndtri(np.clip(below, 1 / RESAMPLES, 1 - 1 / RESAMPLES)))
    apart = values - centre
    acceleration = float((apart**3).sum() / (6 * np.square(apart).sum() ** 1.5))
    reach = t_quantile(n - 1) * (n / (n - 1)) ** 0.5
    shares = []
    for quantile in (bias - reach, bias + reach):
        bent = 1 - acceleration * quantile
        # Beyond its pole the correction turns round; the limit is the end of the distribution.
        moved = bias + quantile / bent if bent > 0 else np.copysign(np.inf, quantile)
        shares.append(float(special.ndtr(moved)))
    low, high = np.quantile(means, shares)
    return Ends(float(low), float(high))


def _resampled_means(values: Floats, rng: np.random.Generator) -> Floats:
    """Returns the means of RESAMPLES resamples.

    How often each distinct value occurs in a resample is multinomial, and accuracies take few
    distinct values.
    """
    distinct, counts = np.unique(values, return_counts=True)
    n = len(values)
    chunks = [
        rng.multinomial(n, counts / n, size=CHUNK) @ distinct / n for _ in range(RESAMPLES // CHUNK)
    ]
    means: Floats = np.concatenate(chunks)
    return means

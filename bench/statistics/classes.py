"""Over classes: how far the mean would move with other test classes, and with them other images.

A class that is hard is hard in every episode that it is in, so episodes that share a class are not
independent. The score of episode e is modelled as mean + sum_c z_ec a_c + noise, with z_ec the
share of class c in the episode's ways and random class effects a_c of variance v. Then, with K the
matrix of what episodes have in common, K = Z Z', and w_c = sum_e z_ec,

    Var(mean of n episodes) = v * sum_c w_c^2 / n^2 + noise / n.

With C classes drawn alike the first part is v / C, as for the first-order term of an incomplete
U-statistic: it stays, however many episodes there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bench.episodelist import EpisodeList
from bench.measurements import IntervalRecord
from bench.statistics.disjoint import Bases
from bench.statistics.student import Ends, Floats, logit_ends, t_quantile
from bench.tasks import ACCURACY, Metric

DRAWN_AGAIN = "classes drawn again"
CLASSES = "classes"
PROBES = 64
EXACT = 128
LEAST_FREEDOM = 4.0
FORMULA = "random effects of n classes and noise, t with Satterthwaite's degrees of freedom"


@dataclass(frozen=True)
class _Design:
    """Which episode has which class, and what follows for M K M, M taking the mean off.

    `shares` is Z (e, classes); `trace`, `trace2`, `trace3`, `trace4` are those of the powers of
    M K M; `load` is sum_c w_c^2 / n^2.
    """

    shares: sparse.csr_array
    load: float
    trace: float
    trace2: float
    trace3: float
    trace4: float


def over_classes(
    scores: Floats, episodes: EpisodeList, metric: Metric, bases: Bases | None = None
) -> IntervalRecord | None:
    """Returns the 95% interval of the mean score (e,) over classes; None if it has no estimate.

    In regression the class is the function. With `bases` the unit is the base class: rotations
    of one character are one unit. There is no estimate if all episodes have the same classes.
    Accuracies get an interval that is symmetric in log-odds.

    The estimates of v and of the noise make the sums of squares over episodes, r'r, and over
    classes, r'K r, equal to their expectations (Henderson 1953, MINQUE(0)), r being the scores
    less their mean; negative ones are put to zero.
    """
    classes = episodes.classes if bases is None else bases[episodes.classes]
    found = variance_of_mean(scores, classes, episodes.ways)
    if found is None:
        return None
    count = len(np.unique(classes))
    half_width = t_quantile(min(found.freedom, max(count - 1, 1))) * found.value**0.5
    mean = float(scores.mean())
    if metric == ACCURACY:
        ends = logit_ends(mean, half_width)
    else:
        ends = Ends(max(0.0, mean - half_width), mean + half_width)
    return IntervalRecord(CLASSES, ends.low, ends.high, count, FORMULA)


@dataclass(frozen=True)
class Variance:
    """An estimated variance of a mean, and its degrees of freedom."""

    value: float
    freedom: float


def variance_of_mean(scores: Floats, units: Bases, sizes: Bases) -> Variance | None:
    """Returns the variance of the mean score (e,) whose episodes have random units in common.

    `units` (sum of sizes,) are those of each episode, such as its classes, one after another. None
    if all episodes have the same units, or the same score.
    """
    design = _design(units, sizes)
    if design.trace < 1e-9 * len(scores) or np.ptp(scores) == 0:
        return None
    return Variance(*_variance(scores - scores.mean(), design))


def _design(classes: Bases, ways: Bases) -> _Design:
    """Returns the design of episodes whose classes are `classes` (sum of ways,).

    Of more than EXACT classes the third and fourth trace are Hutchinson's estimates with PROBES
    random signs, good to a few per cent; only the degrees of freedom depend on them.
    """
    used, units = np.unique(classes, return_inverse=True)
    n, width = len(ways), len(used)
    starts = np.concatenate([[0], np.cumsum(ways)])
    shares = sparse.csr_array((np.repeat(1 / ways, ways), units, starts), shape=(n, width))
    shares.sum_duplicates()
    weights = np.asarray(shares.sum(0))
    common = (shares.T @ shares).tocsr()
    square = float(weights @ weights)
    if width <= EXACT:
        signs, probes = np.eye(width), 1
    else:
        signs, probes = np.random.default_rng(0).choice([-1.0, 1.0], (width, PROBES)), PROBES
    once = common @ signs - np.outer(weights, weights @ signs) / n
    twice = common @ once - np.outer(weights, weights @ once) / n
    return _Design(
        shares=shares,
        load=square / n**2,
        trace=float(np.square(shares.data).sum()) - square / n,
        trace2=float(
            np.square(common.data).sum() - 2 * weights @ (common @ weights) / n + square**2 / n**2
        ),
        trace3=float((once * twice).sum()) / probes,
        trace4=float(np.square(twice).sum()) / probes,
    )


def _variance(apart: Floats, design: _Design) -> tuple[float, float]:
    """Returns the variance of the mean and its degrees of freedom, from scores less their mean.

    As E[r'r] = v tr(MK) + noise (n-1) and E[r'Kr] = v tr(MKMK) + noise tr(MK), the variance is a
    quadratic form of r; Satterthwaite (1946) gives it 2 Var^2 / Var(Var) degrees of freedom, at
    least LEAST_FREEDOM: with very few the form is mostly noise, of which a part is cut off.
    """
    n = len(apart)
    episodes, classes = float(apart @ apart), float(np.square(design.shares.T @ apart).sum())
    trace, trace2 = design.trace, design.trace2
    determinant = trace2 * (n - 1) - trace**2
    if determinant < 1e-9 * trace2 * (n - 1):  # no class is in two episodes: K is diagonal
        return episodes / (n - 1) / n, n - 1.0
    effects = (classes * (n - 1) - episodes * trace) / determinant
    noise = (episodes * trace2 - classes * trace) / determinant
    if effects < 0:
        effects, noise = 0.0, episodes / (n - 1)
    elif noise < 0:
        effects, noise = episodes / trace, 0.0
    variance = effects * design.load + noise / n
    by_classes = (design.load * (n - 1) - trace / n) / determinant
    by_episodes = (trace2 / n - design.load * trace) / determinant
    # The form times the covariance is a polynomial in MKM; this is the trace of its square.
    one = by_episodes * noise
    two = by_episodes * effects + by_classes * noise
    three = by_classes * effects
    spread = (
        one**2 * (n - 1)
        + 2 * one * two * trace
        + (two**2 + 2 * one * three) * trace2
        + 2 * two * three * design.trace3
        + three**2 * design.trace4
    )
    return variance, max(variance**2 / spread, LEAST_FREEDOM)

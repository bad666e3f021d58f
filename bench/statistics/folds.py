"""Over images, by folds: how far a cross-validated mean would move with other images.

Every repetition asks for the same images again, so that more of them say ever more of these and
nothing of others. Units are images, or groups of them, in both of their parts: as queries and as
support. The classes are fixed: they are the ones that matter.
"""

from __future__ import annotations

import numpy as np

from bench.measurements import IntervalRecord
from bench.predictions import Predictions
from bench.statistics.classes import Variance, variance_of_mean
from bench.statistics.closed import CONSTANT, is_constant
from bench.statistics.disjoint import Bases
from bench.statistics.student import Floats, logit_ends, t_quantile

SAME_CLASSES = "images of these classes"
FORMULA = (
    "each of n {units} counts once as a query, by its mean over repetitions, stratified by class; "
    "plus random effects of the {units} as support; t with Satterthwaite's degrees of freedom"
)
ALIKE = (
    "rule of three: all queries alike, so with 95% confidence at most 1 - 0.05^(1/n) of other "
    "{units}, about 3/n, turn out otherwise"
)


def over_folds(predictions: Predictions) -> IntervalRecord:
    """Returns the 95% interval of the mean accuracy of folds over other images of these classes.

    The variance of the mean has two parts. As queries, images are drawn anew within each class:
    each counts by the mean of its answers over all repetitions. As support, an image acts on all
    queries of its episode: the scores of episodes are modelled as mean + sum of effects of their
    support images + noise, and the effects are drawn anew. Where inputs have groups, the unit is
    the group, over all classes that it has inputs of. The interval is symmetric in log-odds.

    In simulations it covered in 96 to 99% of cases, a t interval over episodes in 60 to 81%.
    """
    scores, right = predictions.scores, predictions.right.astype(np.float64)
    units = _Units(predictions)
    words, count = units.words, units.count
    mean = float(scores.mean())
    if is_constant(predictions):
        return IntervalRecord(SAME_CLASSES, mean, mean, count, CONSTANT)
    if np.ptp(right) == 0:
        others = 1 - 0.05 ** (1 / count)
        low, high = mean * (1 - others), mean + (1 - mean) * others
        return IntervalRecord(SAME_CLASSES, low, high, count, ALIKE.format(units=words))
    parts = [units.as_queries(right), units.as_support(scores)]
    known = [part for part in parts if part is not None and part.value > 0]
    whole = sum(part.value for part in known)
    freedom = whole**2 / sum(part.value**2 / part.freedom for part in known)
    ends = logit_ends(mean, t_quantile(freedom) * whole**0.5)
    return IntervalRecord(SAME_CLASSES, ends.low, ends.high, count, FORMULA.format(units=words))


class _Units:
    """The images, or their groups, of folds."""

    def __init__(self, predictions: Predictions) -> None:
        episodes, groups = predictions.episodes, predictions.groups
        self.episodes = episodes
        owner = np.repeat(np.arange(len(episodes)), episodes.queries)
        starts = np.cumsum(episodes.ways) - episodes.ways
        self.classes = episodes.classes[starts[owner] + episodes.query_labels]
        self.weights = 1 / (len(episodes) * episodes.queries[owner])
        self.query = episodes.query if groups is None else groups[episodes.query]
        self.support = episodes.support if groups is None else groups[episodes.support]
        grouped = groups is not None and len(np.unique(groups)) < len(groups)
        self.words = "groups of images" if grouped else "images"
        self.count = len(np.unique(self.query))

    def as_queries(self, right: Floats) -> Variance | None:
        """Returns the variance that is due to which images are asked, from answers (Q,)."""
        classes = np.unique(self.classes, return_inverse=True)[1]
        sums = np.bincount(classes, self.weights * right)
        means = sums / np.bincount(classes, self.weights)
        apart = self.weights * (right - means[classes])
        units, unit = np.unique(self.query, return_inverse=True)
        effects = np.bincount(unit, apart)
        strata = _strata(unit, classes, len(units))
        sizes = np.bincount(strata)
        squares = np.bincount(strata, np.square(effects))
        values = squares * sizes / np.maximum(sizes - 1, 1)
        some = (values > 0) & (sizes > 1)
        if not some.any():
            return None
        value = float(values[some].sum())
        return Variance(value, value**2 / float((values[some] ** 2 / (sizes[some] - 1)).sum()))

    def as_support(self, scores: Floats) -> Variance | None:
        """Returns the variance that is due to which images are known, from scores (e,)."""
        return variance_of_mean(scores, self.support, self.episodes.supports)


def _strata(unit: Bases, classes: Bases, units: int) -> Bases:
    """Returns the stratum of each unit: its class, or one for all if units span classes."""
    pairs = np.unique(np.stack([unit, classes]), axis=1)
    if pairs.shape[1] > units:
        return np.zeros(units, dtype=np.int64)
    strata: Bases = pairs[1]
    return strata

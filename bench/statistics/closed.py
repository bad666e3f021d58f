"""Over episodes: how far the mean would move with other episodes of these very images ("closed").

It shrinks with every further episode, though the images stay the same: it measures the sampler,
not the data.
"""

from __future__ import annotations

import numpy as np

from bench.measurements import IntervalRecord
from bench.predictions import Predictions
from bench.statistics.bootstrap import RESAMPLES, bca_ends
from bench.statistics.student import Ends, Floats, t_interval
from bench.tasks import ACCURACY, Metric

EPISODES = "episodes"
CEILING = 0.98
"""An accuracy above it, or below 1 less it, is too close to the end for a symmetric interval."""
MANY = 100
"""Episodes from which Student's t is relied upon, away from the ends."""
FEW = 10
"""Episodes below which even the bootstrap has too little to draw from."""
CONSTANT = (
    "constant: every query of an episode gets the same answer, and as many queries are of "
    "each class, so every episode scores the same"
)


def most_of(metric: Metric) -> float:
    """Returns the greatest value that a metric can take; the least is 0."""
    return 1.0 if metric == ACCURACY else float("inf")


def over_episodes(scores: Floats, metric: Metric, constant: bool = False) -> IntervalRecord:
    """Returns the 95% interval of the mean score (e,) over episodes, the images fixed.

    Given the images, episodes are drawn independently. They weigh equally, however many queries
    each has. Student's t; for accuracies near the ceiling or the floor, and for fewer than 100
    episodes, the BCa bootstrap. There must be two episodes or more.

    If all accuracies are equal, x, there is no spread to go by. The rule of three then bounds the
    share p of episodes that would score otherwise: (1 - p)^n >= 0.05, so p <= 1 - 0.05^(1/n),
    about 3/n. The mean is between x (1 - p) and x + (1 - x) p whatever those others score. The
    unit is the episode: its queries share a support and err together, and if nothing went wrong
    one cannot tell how much, so n episodes of m queries count as n trials, not as n m.
    """
    n, low_end, most = len(scores), 0.0, most_of(metric)
    if constant:
        return IntervalRecord(EPISODES, float(scores[0]), float(scores[0]), n, CONSTANT)
    if np.ptp(scores) == 0:
        return _alike(float(scores[0]), n, metric)
    plain = t_interval(scores)
    near = metric == ACCURACY and not 1 - CEILING <= plain.mean <= CEILING
    if n >= FEW and (near or n < MANY):
        ends = bca_ends(scores)
        formula = f"BCa bootstrap over episodes, {RESAMPLES} resamples, widened as t(n-1)"
    else:
        ends = Ends(plain.mean - plain.half_width, plain.mean + plain.half_width)
        formula = plain.formula
    ends = ends.within(low_end, most)
    return IntervalRecord(EPISODES, ends.low, ends.high, n, formula)


def _alike(score: float, n: int, metric: Metric) -> IntervalRecord:
    """Returns the interval for n episodes with the same score."""
    if metric != ACCURACY:
        return IntervalRecord(EPISODES, score, score, n, "all episodes alike: no spread, no bound")
    others = 1 - 0.05 ** (1 / n)
    formula = (
        "rule of three: all episodes alike, so with 95% confidence at most 1 - 0.05^(1/n) of "
        "others, about 3/n, score otherwise"
    )
    low, high = score * (1 - others), score + (1 - score) * others
    return IntervalRecord(EPISODES, low, high, n, formula)


def is_constant(predictions: Predictions) -> bool:
    """Tells whether every episode must score the same, as the answer ignores the query.

    That is so if, in every episode, all queries got the very same logits, all classes have as
    many queries as each other, and all episodes as many ways.
    """
    episodes = predictions.episodes
    if predictions.targets is not None or np.ptp(episodes.ways) > 0:
        return False
    number = np.repeat(np.arange(len(episodes)), episodes.queries)
    answers = predictions.answers.reshape(len(number), -1)
    first = answers[(episodes.query_ends - episodes.queries)[number]]
    if not np.array_equal(answers, first):
        return False
    ways = int(episodes.ways[0])
    counts = np.bincount(number * ways + episodes.query_labels, minlength=len(episodes) * ways)
    return bool((np.ptp(counts.reshape(-1, ways), axis=1) == 0).all())

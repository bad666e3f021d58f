"""Over training seeds: how far the mean would move if the algorithm were trained again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.measurements import IntervalRecord
from bench.statistics.closed import most_of
from bench.statistics.student import Ends, t_interval, t_quantile
from bench.tasks import Metric

SEEDS, SEEDS_AND_EPISODES = "seeds", "seeds and episodes"
FORMULA = "mean +- t(0.975, n-1) * s / sqrt(n), s with ddof 1, over n training seeds"
BOTH = (
    "seeds and episodes crossed: sum of both variances of the mean less that counted twice, "
    "t with Satterthwaite's degrees of freedom; n seeds"
)


def over_seeds(means: NDArray[np.float64], metric: Metric) -> IntervalRecord | None:
    """Returns the 95% interval of the mean over training seeds (t,); None for one seed alone.

    The seed is the unit. If all were tested on the same episodes, these stay fixed: the interval
    does not say how other episodes would do; see `over_seeds_and_episodes`.
    """
    if len(means) < 2:
        return None
    plain = t_interval(means)
    ends = Ends(plain.mean - plain.half_width, plain.mean + plain.half_width)
    ends = ends.within(0.0, most_of(metric))
    return IntervalRecord(SEEDS, ends.low, ends.high, plain.n, FORMULA)


def over_seeds_and_episodes(scores: NDArray[np.float64], metric: Metric) -> IntervalRecord | None:
    """Returns the 95% interval over seeds and episodes of scores (t, e) on the same episodes.

    With random effects of seed, episode and the pair of them, the mean of S seeds and n episodes
    has the variance seed/S + episode/n + pair/(S n). The sample variance of the seeds' means over
    S estimates the first and the third, that of the episodes' means over n the second and the
    third; the third is taken off once. None for one seed or one episode alone.
    """
    seeds, episodes = scores.shape
    if min(seeds, episodes) < 2:
        return None
    mean, by_seed, by_episode = scores.mean(), scores.mean(1), scores.mean(0)
    rest = scores - by_seed[:, None] - by_episode + mean
    parts = np.array(
        [
            by_seed.var(ddof=1) / seeds,
            by_episode.var(ddof=1) / episodes,
            -np.square(rest).sum() / ((seeds - 1) * (episodes - 1)) / (seeds * episodes),
        ]
    )
    freedoms = np.array([seeds - 1, episodes - 1, (seeds - 1) * (episodes - 1)])
    variance = float(max(parts.sum(), parts[:2].max()))
    if variance == 0:
        freedom = float(seeds - 1)
    else:
        freedom = max(float(variance**2 / (parts**2 / freedoms).sum()), seeds - 1)
    half_width = t_quantile(freedom) * variance**0.5
    ends = Ends(float(mean - half_width), float(mean + half_width)).within(0.0, most_of(metric))
    return IntervalRecord(SEEDS_AND_EPISODES, ends.low, ends.high, seeds, BOTH)

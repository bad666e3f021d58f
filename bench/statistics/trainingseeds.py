"""Over training seeds: how far the mean would move if the algorithm were trained again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.measurements import IntervalRecord
from bench.statistics.closed import most_of
from bench.statistics.student import Ends, t_interval
from bench.tasks import Metric

SEEDS, SEEDS_AND_EPISODES = "seeds", "seeds and episodes"
FORMULA = "mean +- t(0.975, n-1) * s / sqrt(n), s with ddof 1, over n training seeds"
BOTH = "square root of the sum of the squared t half-widths over seeds and over episodes"


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

    Both vary at once, so the squares of both half-widths are added: of Student's t over the
    seeds' means, and over the episodes' means. It is never narrower than either; what seed and
    episode have together only is in both, which makes it rather too wide. (Degrees of freedom
    after Satterthwaite would make it narrower than that over two seeds alone.) None for one seed
    or one episode alone.
    """
    if min(scores.shape) < 2:
        return None
    seeds, episodes = t_interval(scores.mean(1)), t_interval(scores.mean(0))
    half_width = float(np.hypot(seeds.half_width, episodes.half_width))
    ends = Ends(seeds.mean - half_width, seeds.mean + half_width).within(0.0, most_of(metric))
    return IntervalRecord(SEEDS_AND_EPISODES, ends.low, ends.high, seeds.n, BOTH)

"""Over images: tasks that share no image are independent draws of them ("open").

Lafargue et al. 2024 ("Oops, I sampled it again", TMLR): tasks that draw the same test images again
and again say little about other images, however many they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.episodelist import EpisodeList
from bench.measurements import IntervalRecord
from bench.statistics.closed import most_of
from bench.statistics.student import Ends, Floats, t_interval
from bench.tasks import Metric

IMAGES = "images"
ORDERS = 20
"""Random orders in which tasks are chosen."""
FORMULA = (
    "mean +- t(0.975, n-1) * s / sqrt(n) over n episodes that share no image (Lafargue et al. "
    "2024); the half-width is the mean of 20 greedy choices"
)
SAME = "no image is in two episodes: the interval over episodes is the one over images"

Bases = NDArray[np.int64]
"""The base class of each class of the split, as a number: rotations of a class share theirs."""


def over_images(
    scores: Floats, episodes: EpisodeList, metric: Metric, bases: Bases | None = None
) -> IntervalRecord | None:
    """Returns the 95% interval of the mean score (e,) over other images; None if there is none.

    From the episodes, in random order, each is taken that shares no image with those taken
    before; Student's t over these gives a half-width. The mean of the half-widths of ORDERS
    orders is put around the mean of all episodes. The orders are never pooled: they are the same
    images again. Where classes have base classes in common, as rotations have, their images are
    the same as well, and episodes are taken that share no base class.

    What it covers: other images, and other classes as far as no class is in two of the tasks. As
    the mean of all episodes uses the images better than that of the few chosen ones does, the
    interval is too wide for it: in simulations it covered in more than 99% of cases. Episodes drawn
    to be disjoint need no choice; Student's t over them covers what it promises.
    """
    chosen = disjoint_choices(_images_of(episodes, bases), np.random.default_rng(0))
    sizes = chosen.sum(1)
    if sizes.min() < 2:
        return None
    half_width = float(np.mean([t_interval(scores[row]).half_width for row in chosen]))
    mean = float(scores.mean())
    ends = Ends(mean - half_width, mean + half_width).within(0.0, most_of(metric))
    return IntervalRecord(IMAGES, ends.low, ends.high, round(float(sizes.mean())), FORMULA)


def share_nothing(episodes: EpisodeList, bases: Bases | None = None) -> bool:
    """Tells whether no image is in two episodes."""
    images = _images_of(episodes, bases)
    used = images[images >= 0]
    return len(np.unique(used)) == len(used)


def _images_of(episodes: EpisodeList, bases: Bases | None) -> NDArray[np.int64]:
    """Returns what each episode uses up, (e, most), filled with -1: rows, or base classes."""
    if bases is not None and len(np.unique(bases)) < len(bases):
        own = [np.unique(bases[part]) for part in np.split(episodes.classes, _cuts(episodes.ways))]
    else:
        support = np.split(episodes.support, _cuts(episodes.supports))
        query = np.split(episodes.query, _cuts(episodes.queries))
        own = [np.concatenate(pair) for pair in zip(support, query, strict=True)]
    filled = np.full((len(own), max(map(len, own))), -1)
    for row, part in zip(filled, own, strict=True):
        row[: len(part)] = part
    return filled


def _cuts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(sizes)[:-1]


def disjoint_choices(images: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Returns which episodes are chosen in each of ORDERS random orders, (ORDERS, e).

    `images` (e, most) are non-negative, and -1 where an episode has no more. All orders advance
    together, an episode of each at a time.
    """
    count = len(images)
    orders = np.argsort(rng.random((ORDERS, count)), axis=1)
    taken = np.zeros((ORDERS, int(images.max()) + 2), bool)  # the last column is for the -1
    chosen = np.zeros((ORDERS, count), bool)
    lines = np.arange(ORDERS)
    for step in range(count):
        wanted = images[orders[:, step]]
        free = ~taken[lines[:, None], wanted].any(1)
        taken[lines[free, None], wanted[free]] = True
        taken[:, -1] = False
        chosen[lines[free], orders[free, step]] = True
    return chosen

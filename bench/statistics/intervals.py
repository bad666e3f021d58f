"""Intervals: how sure a mean is, and of what, from the predictions that a run keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.measurements import IntervalRecord
from bench.predictions import Predictions
from bench.statistics.classes import CLASSES, DRAWN_AGAIN, over_classes
from bench.statistics.closed import CONSTANT, EPISODES, is_constant, over_episodes
from bench.statistics.disjoint import IMAGES, SAME, Bases, over_images, share_nothing
from bench.statistics.folds import SAME_CLASSES, over_folds
from bench.statistics.trainingseeds import SEEDS, SEEDS_AND_EPISODES
from bench.tasks import ACCURACY, Metric

MUCH = 1.5
"""How many times wider another interval is before it is said so.

An interval that is 1.5 times too short covers the truth in 81% of cases, not in 95%.
"""
MEANINGS = {
    EPISODES: "other episodes of the same test data",
    IMAGES: "other test examples, by few tasks: rather too wide",
    CLASSES: "other test classes and examples",
    DRAWN_AGAIN: "test classes drawn again, without what the choice of episodes adds",
    SAME_CLASSES: "other examples of the same classes",
    SEEDS: "other training seeds, on the same episodes",
    SEEDS_AND_EPISODES: "other training seeds and other episodes of the same test data",
}
"""What varies in an interval, in words, by the record's `over`."""


def intervals(predictions: Predictions, bases: Bases | None = None) -> tuple[IntervalRecord, ...]:
    """Returns the 95% intervals of a run's mean, the headline first: over episodes.

    Those over images and over classes follow where the episodes allow an estimate, and if not all
    scores are equal. If no image is in two episodes, that over images is the headline again.
    Empty for one episode alone. Of folds there is one interval alone, over images of the same
    classes: episodes ask for the same images again, and the classes are fixed. `bases` (classes of
    the split,) are the numbers of the base classes, by default those that come with the
    predictions; without any, every class is a unit of its own.
    """
    bases = predictions.bases if bases is None else bases
    scores, episodes, metric = predictions.scores, predictions.episodes, predictions.metric
    if len(scores) < 2:
        return ()
    if predictions.folds:
        return (over_folds(predictions),)
    alike = np.ptp(scores) == 0
    closed = over_episodes(scores, metric, bool(alike and is_constant(predictions)))
    if alike:
        return (closed,)
    images: IntervalRecord | None
    if share_nothing(episodes, bases):
        images = IntervalRecord(IMAGES, closed.low, closed.high, closed.n, SAME)
    else:
        images = over_images(scores, episodes, metric, bases)
    others = (images, over_classes(scores, episodes, metric, bases))
    return (closed, *(record for record in others if record))


def interval_text(mean: float, record: IntervalRecord, metric: Metric) -> str:
    """Returns a mean with an interval, as in `97.67% ± 0.21`.

    If the ends are not as far from the mean as each other and differ as printed, they are printed:
    `99.77% (99.65 to 99.86)`.
    """
    up, down = record.high - mean, mean - record.low
    if abs(up - down) <= 0.2 * record.half_width:
        return metric.text(mean, record.half_width)
    low, high = (f"{metric.factor * end:.{metric.places}f}" for end in (record.low, record.high))
    if low == high:
        return metric.text(mean, record.half_width)
    return f"{metric.text(mean)} ({low} to {high})"


def headline(mean: float, records: Sequence[IntervalRecord], metric: Metric, each: str = "") -> str:
    """Returns a mean with its headline interval, and what that is over, for a summary line.

    `each` says what there is in an episode, such as `75 queries`.
    """
    if not records:
        return f"{metric.text(mean)} (no interval: one episode alone)"
    closed = records[0]
    if closed.formula == CONSTANT:
        return f"{metric.text(mean)} (no interval: {CONSTANT})"
    if closed.over == SAME_CLASSES:
        units = "groups of examples" if "groups" in closed.formula else "examples"
        return (
            f"{interval_text(mean, closed, metric)} "
            f"(95% interval over {closed.n} {units} of the same classes)"
        )
    size = f" of {each}" if each else ""
    return (
        f"{interval_text(mean, closed, metric)} "
        f"(95% interval over {closed.n} episodes{size} of the same test data)"
    )


def doubt(records: Sequence[IntervalRecord], metric: Metric) -> str:
    """Returns what the headline interval leaves out, if that is much; otherwise "".

    It is compared with the interval over classes, which covers what it promises; where there is
    none, with that over images, which is too wide.
    """
    if not records:
        return ""
    closed, known = records[0], {record.over: record for record in records[1:]}
    wide = known.get(CLASSES) or known.get(IMAGES)
    if wide is None or wide.half_width < MUCH * closed.half_width:
        return ""
    reach, claimed = (
        f"±{metric.factor * record.half_width:.{metric.places}f}" for record in (wide, closed)
    )
    if wide.over == IMAGES:
        return f"another draw of test examples could move this mean by up to {reach}, not {claimed}"
    what = "classes and examples" if metric == ACCURACY else "functions"
    return f"another draw of test {what} would move this mean by {reach}, not {claimed}"

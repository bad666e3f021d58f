"""Scale: axes for minutes, and for accuracies, on which those near 100 are apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import ArrayLike, NDArray

from bench.figures.look import INK, MIDDLE
from bench.tasks import Metric

_LEAST = 1e-5
"""Of the errors that are drawn; a perfect score would be infinitely far up."""
_NEAR_ALL = (99.5, 99.8, 99.9, 99.95, 99.98, 99.99)
_PERCENTS: tuple[tuple[float, ...], ...] = (
    (0, 20, 40, 60, 80, 90, 95, 98, 99, *_NEAR_ALL),
    (*range(0, 90, 10), 85, 90, 93, 95, 96, 97, 98, 98.5, 99, 99.3, *_NEAR_ALL),
    (*range(0, 90, 5), *range(90, 98), *(98 + step / 5 for step in range(10))),
    tuple(range(0, 100, 2)),
    (*range(98), *(98 + step / 10 for step in range(20))),
    tuple(step / 5 for step in range(500)),
)
"""Accuracies that may be written beside the axis: the first of these of which enough are there."""
_PARTS = ((1.0,), (1.0, 2.0, 5.0), (1.0, 2.0, 3.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0))
"""The same of minutes, times powers of ten."""
_ENOUGH = 4
_LEAST_SPAN = 3.0
"""The least ratio of the last to the first of the axis of minutes, so that ticks stand on it."""


def score_name(metric: Metric, of: str) -> str:
    """Returns what the ordinate of scores is called: `of` says of what, such as test."""
    if metric.higher_is_better:
        return f"{of} {metric.name}, {metric.unit} (log scale of errors)"
    return f"{of} {metric.heading} (log scale)"


def heights(metric: Metric, scores: ArrayLike) -> NDArray[np.float64]:
    """Returns where scores stand on the ordinate, from below, in powers of ten of the errors."""
    if metric.higher_is_better:
        return _upwards(scores)
    return np.asarray(-np.log10(np.maximum(np.asarray(scores, dtype=np.float64), 1e-300)))


def scale_scores(
    axes: Axes, metric: Metric, values: Iterable[float], *, below: float = 0.0
) -> None:
    """Gives the ordinate a scale for scores, wide enough for the values.

    An accuracy stands at the logarithm of the errors, upwards; an error that may be any size is on
    a logarithmic axis with the smallest on top. `below` is a share of the height that is left free.
    """
    known = np.array([*values], dtype=np.float64)
    if not metric.higher_is_better:
        largest, least = known.max() * 1.3, known[known > 0].min() / 1.3
        axes.set_yscale("log")
        axes.set_ylim(largest * (largest / least) ** (below / (1 - below)), least)
        return
    axes.set_yscale("function", functions=(_upwards, _back))
    low, high = _upwards(known).min(), _upwards(known).max()
    room = 0.06 * max(high - low, 0.3)
    bottom, top = low - room, high + room
    bottom = max(bottom - (top - bottom) * below / (1 - below), 0.0)
    axes.set_ylim(*_back(np.array([bottom, top])))
    every = [[step / 100 for step in steps] for steps in _PERCENTS]
    ticks = _enough(every, lambda tick: bool(bottom <= _upwards(tick) <= top))
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.6g}"))


def scale_minutes(axes: Axes, minutes: Sequence[float]) -> None:
    """Gives the abscissa a logarithmic scale for minutes above zero."""
    axes.set_xscale("log")
    low, high = (min(minutes), max(minutes)) if minutes else (1.0, 10.0)
    room = max(max(high / low, 4.0) ** 0.08, (_LEAST_SPAN * low / high) ** 0.5)
    axes.set_xlim(low / room, high * room)
    every = [[one * 10.0**power for power in range(-5, 7) for one in parts] for parts in _PARTS]
    axes.set_xticks(_enough(every, lambda tick: low / room <= tick <= high * room))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.minorticks_off()
    axes.set_xlabel("core-minutes of training", size=MIDDLE, color=INK)


def _enough(every: Iterable[list[float]], fits: Callable[[float], bool]) -> list[float]:
    """Returns the ticks that fit of the first list of which enough do, else of the last."""
    found: list[float] = []
    for ticks in every:
        found = [tick for tick in ticks if fits(tick)]
        if len(found) >= _ENOUGH:
            break
    return found


def _upwards(accuracy: ArrayLike) -> NDArray[np.float64]:
    wrong = np.maximum(1 - np.asarray(accuracy, dtype=np.float64), _LEAST)
    return np.asarray(-np.log10(wrong))


def _back(height: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(1 - 10.0 ** -np.asarray(height, dtype=np.float64))

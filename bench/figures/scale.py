"""Scale: axes for minutes, and for accuracies, on which those near 100 are apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import ArrayLike, NDArray

from bench.figures.look import INK, MIDDLE
from bench.tasks import Metric

_LEAST = 1e-5
"""Of the errors that are drawn; a perfect score would be infinitely far up."""
_STEPS = (0, 20, 40, 60, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.98, 99.99)
"""Accuracies in percent that may be written beside the axis."""


def scale_scores(axes: Axes, metric: Metric, values: Iterable[float]) -> None:
    """Gives the ordinate a scale for scores, wide enough for the values.

    An accuracy stands at the logarithm of the errors, upwards; an error that may be any size is on
    a logarithmic axis with the smallest on top.
    """
    known = np.array([*values], dtype=np.float64)
    if not metric.higher_is_better:
        axes.set_yscale("log")
        axes.set_ylim(known.max() * 1.3, known[known > 0].min() / 1.3)
        return
    axes.set_yscale("function", functions=(_upwards, _back))
    low, high = _upwards(known).min(), _upwards(known).max()
    room = 0.06 * max(high - low, 0.3)
    bottom, top = max(low - room, 0.0), high + room
    axes.set_ylim(*_back(np.array([bottom, top])))
    ticks = [step / 100 for step in _STEPS if bottom <= _upwards(step / 100) <= top]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}"))


def scale_minutes(axes: Axes, minutes: Sequence[float]) -> None:
    """Gives the abscissa a logarithmic scale for minutes above zero."""
    axes.set_xscale("log")
    low, high = (min(minutes), max(minutes)) if minutes else (1.0, 10.0)
    room = max(high / low, 4.0) ** 0.08
    axes.set_xlim(low / room, high * room)
    each = (1, 2, 3, 5) if high / low < 30 else (1, 2, 5) if high / low < 300 else (1,)
    steps = [one * 10.0**power for power in range(-5, 7) for one in each]
    axes.set_xticks([step for step in steps if low / room <= step <= high * room])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.minorticks_off()
    axes.set_xlabel("core-minutes of training", size=MIDDLE, color=INK)


def _upwards(accuracy: ArrayLike) -> NDArray[np.float64]:
    wrong = np.maximum(1 - np.asarray(accuracy, dtype=np.float64), _LEAST)
    return np.asarray(-np.log10(wrong))


def _back(height: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(1 - 10.0 ** -np.asarray(height, dtype=np.float64))

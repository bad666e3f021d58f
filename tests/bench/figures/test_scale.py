"""Scales: equal ratios of errors are equal distances, and there are enough ticks."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes

from bench.figures.look import canvas
from bench.figures.scale import scale_minutes, scale_scores
from bench.tasks import ACCURACY, MSE


@pytest.fixture
def axes() -> Axes:
    return canvas(4.0).add_axes((0.1, 0.1, 0.8, 0.8))


def heights(axes: Axes, *scores: float) -> list[float]:
    return [float(axes.transData.transform((1.0, score))[1]) for score in scores]


def test_a_tenth_of_the_errors_is_always_the_same_way_up(axes: Axes) -> None:
    scale_scores(axes, ACCURACY, [0.2, 0.995])
    low, middle, high = heights(axes, 0.9, 0.99, 0.999)
    assert high - middle == pytest.approx(middle - low)
    assert middle > low


def test_all_scores_are_within_the_axes_and_a_perfect_one_is_finite(axes: Axes) -> None:
    scale_scores(axes, ACCURACY, [0.5, 1.0])
    bottom, top = axes.get_ylim()
    assert bottom < 0.5
    assert 1.0 - top < 1e-5
    assert np.isfinite(heights(axes, 1.0)).all()


@pytest.mark.parametrize("scores", [(0.2, 0.996), (0.76, 0.81), (0.985, 0.991), (0.2, 0.25)])
def test_there_are_ticks_enough_to_read_a_value_off(
    axes: Axes, scores: tuple[float, float]
) -> None:
    scale_scores(axes, ACCURACY, scores)
    bottom, top = axes.get_ylim()
    shown = [tick for tick in axes.get_yticks() if bottom <= tick <= top]
    assert 4 <= len(shown) <= 12
    formatter = axes.yaxis.get_major_formatter()
    assert [float(formatter(tick)) / 100 for tick in shown] == pytest.approx(shown)


def test_an_error_has_the_smallest_on_top(axes: Axes) -> None:
    scale_scores(axes, MSE, [0.01, 4.0])
    worse, better = heights(axes, 4.0, 0.01)
    assert better > worse


@pytest.mark.parametrize("ends", [(1.2, 4.5), (0.4, 2000.0), (3.0, 3.0)])
def test_minutes_are_logarithmic_with_all_of_them_within(
    axes: Axes, ends: tuple[float, float]
) -> None:
    scale_minutes(axes, ends)
    low, high = axes.get_xlim()
    assert low < ends[0]
    assert high > ends[1]
    one, two, three = (float(axes.transData.transform((x, 0.5))[0]) for x in (1.0, 10.0, 100.0))
    assert three - two == pytest.approx(two - one)


@pytest.mark.parametrize("ends", [(85.0, 85.0), (14.0, 15.5), (1.4, 50.0)])
def test_ticks_stand_on_the_axis_of_minutes_though_trainings_took_alike(
    axes: Axes, ends: tuple[float, float]
) -> None:
    scale_minutes(axes, ends)
    low, high = axes.get_xlim()
    assert high / low > 2.99
    assert (high / ends[1]) == pytest.approx(ends[0] / low)
    assert sum(low <= tick <= high for tick in axes.get_xticks()) >= 3

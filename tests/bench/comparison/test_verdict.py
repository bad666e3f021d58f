"""Verdicts: sure and large enough, in the direction of the metric; all else is not separable."""

from __future__ import annotations

import pytest

from bench.comparison.difference import Difference
from bench.comparison.rope import margin, size_of, words
from bench.comparison.verdict import judge
from bench.tasks import ACCURACY, MSE


def difference(mean: float, half_width: float) -> Difference:
    return Difference(mean, half_width, 0.5, 100.0)


@pytest.mark.parametrize(
    ("mean", "half_width", "adjusted", "verdict", "remark"),
    [
        (0.03, 0.01, 0.001, "better", ""),
        (-0.03, 0.01, 0.001, "worse", ""),
        (0.008, 0.005, 0.01, "better", "may be less than what matters"),
        (0.004, 0.001, 0.001, "not separable", "do differ, but by no more than 0.5 point"),
        (-0.004, 0.001, 0.001, "not separable", "do differ"),
        (0.001, 0.002, 0.4, "not separable", "equivalent"),
        (0.02, 0.03, 0.2, "not separable", "allows for more than 0.5 point"),
        (0.02, 0.001, 0.05, "not separable", ""),
        (0.02, float("inf"), float("nan"), "not separable", "allows for more"),
    ],
)
def test_accuracies_are_judged_by_p_and_by_half_a_point(
    mean: float, half_width: float, adjusted: float, verdict: str, remark: str
) -> None:
    found = judge(difference(mean, half_width), adjusted, 0.005, ACCURACY, 0.5)
    assert found.verdict == verdict
    assert remark in found.remark
    assert bool(remark) == bool(found.remark)


def test_of_errors_the_smaller_is_better() -> None:
    assert judge(difference(-0.3, 0.1), 0.001, 0.01, MSE, 5).verdict == "better"
    assert judge(difference(0.3, 0.1), 0.001, 0.01, MSE, 5).verdict == "worse"


def test_the_region_is_points_of_accuracy_and_percent_of_an_error() -> None:
    assert margin(ACCURACY, 0.5, 0.9, 0.2) == pytest.approx(0.005)
    assert margin(MSE, 5.0, 3.0, 1.0) == pytest.approx(0.1)  # 5% of 2
    assert (size_of(ACCURACY, None), size_of(MSE, None), size_of(MSE, 1.0)) == (0.5, 5.0, 1.0)
    assert words(ACCURACY, 0.5) == "0.5 point"
    assert words(MSE, 5.0) == "5% of the error"

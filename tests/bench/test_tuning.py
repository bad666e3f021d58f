"""The best of what was tried: by the metric's direction, and the first of those that are alike."""

from __future__ import annotations

import numpy as np

from bench.tasks import ACCURACY, MSE
from bench.tuning import Tried, best_of

TRIED = [
    Tried({"steps": 1}, np.array([0.25, 0.5])),
    Tried({"steps": 5}, np.array([0.5, 0.75])),
    Tried({"steps": 9}, np.array([0.75, 0.5])),
]


def test_the_best_has_the_highest_accuracy_and_comes_first_among_equals() -> None:
    assert best_of(TRIED, ACCURACY).values == {"steps": 5}


def test_the_best_has_the_lowest_squared_error() -> None:
    assert best_of(TRIED, MSE).values == {"steps": 1}

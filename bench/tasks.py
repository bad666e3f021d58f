"""Tasks: what there is to predict, and in what number success is told.

Imports no torch, so that a leaderboard can read results with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Task = Literal["classification", "regression"]
CLASSIFICATION: Task = "classification"
REGRESSION: Task = "regression"


@dataclass(frozen=True)
class Metric:
    """The number that a run is judged by: its name, its direction, and how it is written."""

    name: str
    heading: str
    higher_is_better: bool
    factor: float
    places: int
    unit: str

    def text(self, mean: float, half_width: float | None = None) -> str:
        """Returns a mean with the half-width of its interval, as in `97.67% ± 0.21`."""
        number = f"{self.factor * mean:.{self.places}f}{self.unit}"
        if half_width is None:
            return number
        return f"{number} ± {self.factor * half_width:.{self.places}f}"

    def better(self, value: float, than: float | None) -> bool:
        """Tells whether `value` beats another; anything beats None."""
        if than is None:
            return True
        return value > than if self.higher_is_better else value < than


ACCURACY = Metric("accuracy", "accuracy %", True, 100.0, 2, "%")
MSE = Metric("mse", "MSE", False, 1.0, 4, "")
METRICS = {metric.name: metric for metric in (ACCURACY, MSE)}


def metric_of(task: Task) -> Metric:
    """Returns what a task's predictions are judged by."""
    return ACCURACY if task == CLASSIFICATION else MSE

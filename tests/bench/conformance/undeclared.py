"""Broken algorithms whose fault is in what they say of themselves."""

from __future__ import annotations

from bench import (
    TaskSpec,
)
from tests.bench.conformance.broken import Sound


class Undescribed(Sound):
    pass


class Undocumented(Sound):
    """Compares a query with class means.

    Args:
        lr: learning rate.
        steps: a number that does nothing.
    """

    def __init__(
        self, spec: TaskSpec, *, lr: float = 1e-2, steps: int = 3, scale: float = 1.0
    ) -> None:
        super().__init__(spec, lr=lr, steps=steps)
        self.scale = scale


class Renamed(Sound):
    """Keeps a hyperparameter under another name."""

    def make(self, spec: TaskSpec) -> None:
        self.count = self.steps
        del self.steps


class TakesAnything(Sound):
    """Compares a query with class means.

    Args:
        lr: learning rate.
        steps: a number that does nothing.
    """

    def __init__(self, spec: TaskSpec, *, lr: float = 1e-2, steps: int = 3) -> None:
        super().__init__(spec, lr=lr)
        self.steps = steps


class Silent(Sound):
    """Does not say what it is not for."""

    not_for = ""


class ReadInTraining(Sound):
    """Says that only tests read its learning rate."""

    test_parameters = ("lr",)


class Misnamed(Sound):
    """Says that only tests read a parameter that it does not have."""

    test_parameters = ("step",)

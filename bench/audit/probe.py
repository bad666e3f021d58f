"""Probes: all that was seen of one way of asking, over the episodes of an audit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench.audit.comparison import TOLERANCE, Comparison, Floats
from bench.audit.leaks import WHAT
from bench.audit.modes import MODES, REORDERED
from bench.measurements import ProbeRecord
from bench.statistics import t_quantile

WHAT_IS_ASKED = {mode.name: mode.what for mode in (*MODES, REORDERED)} | WHAT
"""Every way of asking by its name, in the order of tables."""


@dataclass(frozen=True)
class Probe:
    """All comparisons (one per episode) of one way of asking; `rounding` explains them all."""

    name: str
    comparisons: tuple[Comparison, ...]
    rounding: bool

    @property
    def largest(self) -> float:
        """The largest change of a probability, or relative change of a value."""
        return max(one.largest for one in self.comparisons)

    @property
    def moves(self) -> bool:
        """Whether answers change by more than rounding does."""
        return self.largest > TOLERANCE and not self.rounding

    @property
    def flipped(self) -> float:
        """The share of decisions that turned."""
        return sum(c.flips for c in self.comparisons) / sum(c.asked for c in self.comparisons)

    @property
    def shifted(self) -> float:
        """The root mean square of what moved, over the episodes."""
        return math.sqrt(np.mean([one.square for one in self.comparisons]))

    @property
    def differences(self) -> Floats:
        """What asking so changes in each episode's score, (e,)."""
        return np.array([one.score - one.plainly for one in self.comparisons])

    def record(self) -> ProbeRecord:
        """Returns what is kept of it."""
        ours = self.comparisons
        return ProbeRecord(
            self.name,
            WHAT_IS_ASKED[self.name],
            self.largest,
            sum(one.flips for one in ours),
            sum(one.asked for one in ours),
            float(np.mean([one.score for one in ours])),
            float(np.mean([one.plainly for one in ours])),
            half_width(self.differences),
        )


def half_width(values: Floats, sides: float = 0.05) -> float | None:
    """Returns half of the 95% interval (by Student's t) of the mean of `values` (n,).

    `sides` is the probability outside. None if there is only one value.
    """
    if len(values) < 2:
        return None
    quantile = t_quantile(len(values) - 1, 1 - sides / 2)
    return float(quantile * values.std(ddof=1) / len(values) ** 0.5)


def measurable(values: Floats, sides: float = 0.05) -> bool:
    """Tells whether the interval of the mean excludes 0."""
    half = half_width(values, sides)
    return half is not None and abs(float(values.mean())) > half

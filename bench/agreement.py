"""Agreement: how far two sets of answers to the same queries are from each other.

Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.predictions import Predictions

MOVED = 0.01
"""In regression, a value that moved by this share of the largest one counts as turned."""


@dataclass(frozen=True)
class Agreement:
    """How far answers to `asked` queries moved, in probability; in regression, relative.

    `largest` and `mean` are of the change of every number that was answered; `turned` queries got
    another decision.
    """

    identical: bool
    largest: float
    mean: float
    turned: int
    asked: int

    @property
    def text(self) -> str:
        """How it is told."""
        if self.identical:
            return "identical"
        return f"{self.turned} turned, largest change {self.largest:.1e}"


def agreement(kept: Predictions, found: Predictions) -> Agreement:
    """Compares answers to the same episodes; a file's are in single precision, so both are."""
    identical = bool(
        np.array_equal(kept.answers.astype(np.float32), found.answers.astype(np.float32))
    )
    if kept.targets is None:
        probabilities = np.exp(kept.log_probabilities), np.exp(found.log_probabilities)
        change = np.abs(probabilities[0] - probabilities[1])
        decisions = kept.log_probabilities.argmax(1), found.log_probabilities.argmax(1)
        turned = decisions[0] != decisions[1]
    else:
        width = kept.targets.shape[1]
        largest = max(float(np.abs(kept.answers).max()), np.finfo(np.float32).tiny)
        change = np.abs(kept.answers - found.answers).reshape(-1, width) / largest
        turned = (change > MOVED).any(1)
    return Agreement(
        identical, float(change.max()), float(change.mean()), int(turned.sum()), len(turned)
    )

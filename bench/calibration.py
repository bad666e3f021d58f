"""Calibration: whether stated probabilities can be believed, and one temperature that helps.

The softmax of distances or of cosines has an arbitrary scale, so an uncalibrated score ranks
scales rather than methods. Dividing all logits by one number, fitted on validation episodes,
takes that away and leaves every decision as it was (Guo et al. 2017, section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from bench.predictions import Floats, Predictions

LEAST = 1e-12
"""A probability counts as no less in the NLL, so that one confident mistake does not make it
infinite."""
COLDEST, HOTTEST = 0.01, 100.0
"""Where a temperature is looked for: without mistakes in validation there is no lowest."""
SETTLED = 1e-9
"""A temperature is taken if it lowers the NLL by more than this."""


@dataclass(frozen=True)
class Certainty:
    """What an algorithm thought of Q queries: log-probabilities (Q, n), and the truth, (Q,)."""

    log_probabilities: Floats
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, predictions: Predictions, temperature: float = 1.0) -> Certainty:
        """Returns that of classifications whose logits are divided by `temperature`.

        Where an episode has fewer than the most ways n, the log-probabilities beyond are -inf.
        """
        labels = predictions.episodes.query_labels
        if temperature == 1.0:
            return cls(predictions.log_probabilities, labels)
        return cls(_normalised(predictions.log_probabilities / temperature), labels)

    @property
    def nll(self) -> float:
        """The mean of -log p(truth), with probabilities of 1e-12 at least."""
        return float(-np.maximum(self._of_truth, np.log(LEAST)).mean())

    @property
    def brier(self) -> float:
        """The mean squared error of the probabilities, summed over classes: 0 to 2."""
        probabilities = np.exp(self.log_probabilities)
        truth = np.exp(self._of_truth)
        return float((np.square(probabilities).sum(1) - 2 * truth + 1).mean())

    @property
    def confidence(self) -> Floats:
        """The probability of the most probable class, (Q,)."""
        top: Floats = np.exp(self.log_probabilities.max(1))
        return top

    @property
    def _of_truth(self) -> Floats:
        """The log-probability of the true class, (Q,)."""
        return np.take_along_axis(self.log_probabilities, self.labels[:, None], 1)[:, 0]


def fit_temperature(validation: Predictions) -> float:
    """Returns the temperature at which validation episodes have the least NLL.

    The NLL is convex in 1/T, so along log T there is one minimum. It is looked for from 0.01 to
    100; if no temperature makes a difference, that is 1.

    Raises:
        ValueError: the predictions are of a regression, which has no probabilities.
    """
    if validation.targets is not None:
        raise ValueError("a regression has no probabilities and no temperature")
    logits, labels = validation.log_probabilities, validation.episodes.query_labels[:, None]
    of_truth = np.take_along_axis(logits, labels, 1)[:, 0]

    def nll(log_temperature: float) -> float:
        scale = np.exp(-log_temperature)
        total = np.log(np.exp(scale * (logits - logits.max(1, keepdims=True))).sum(1))
        return float((total + scale * (logits.max(1) - of_truth)).mean())

    bounds = (np.log(COLDEST), np.log(HOTTEST))
    found = minimize_scalar(nll, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x)) if nll(0.0) - found.fun > SETTLED else 1.0


def _normalised(logits: Floats) -> Floats:
    """Returns the logarithm of the softmax of logits (Q, n)."""
    shifted = logits - logits.max(1, keepdims=True)
    normalised: Floats = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return normalised

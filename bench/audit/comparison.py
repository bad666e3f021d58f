"""Comparisons: how far the answers to the same queries lie apart, asked in two ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOLERANCE = 1e-4
"""Differences of probabilities, or of values relative to the largest, that rounding explains."""

TIE = 1e-3
"""A decision whose two best probabilities are nearer than this may turn for nothing."""

_MOST = 1e9


@dataclass(frozen=True)
class Comparison:
    """Answers to `asked` queries of one episode, asked in some way, beside the plain ones.

    `largest` and `square` are the largest and the mean squared change of a probability (in
    regression, of a value relative to the largest); `score` and `plainly` the metric on these
    queries: accuracy, or the mean squared error.
    """

    largest: float
    square: float
    flips: int
    asked: int
    score: float
    plainly: float


def compare(answers: Floats, plain: Floats, truth: NDArray[np.generic]) -> Comparison:
    """Compares answers (m, n) with the plain ones (m, n) to the same queries.

    `truth` is their labels (m,), answers then probabilities; or in regression their values
    (m, d), answers then values.
    """
    values = truth.ndim == 2
    scale = max(float(np.abs(plain).max(initial=0.0)), 1e-30) if values else 1.0
    change = np.nan_to_num(np.abs(answers - plain) / scale, nan=_MOST, posinf=_MOST)
    change = change.clip(max=_MOST)
    flips = 0
    if not values and plain.shape[1] > 1:
        best = np.sort(plain, 1)
        tied = best[:, -1] - best[:, -2] < TIE
        flips = int(((answers.argmax(1) != plain.argmax(1)) & ~tied).sum())
    return Comparison(
        float(change.max(initial=0.0)),
        float(np.square(change).mean()) if change.size else 0.0,
        flips,
        len(plain),
        _score(answers, truth),
        _score(plain, truth),
    )


def _score(answers: Floats, truth: NDArray[np.generic]) -> float:
    """Returns the share of right answers, or in regression the mean squared error."""
    if truth.ndim == 2:
        error = np.square(answers - truth.astype(np.float64)).mean()
        return float(np.nan_to_num(error, nan=_MOST, posinf=_MOST))
    return float((answers.argmax(1) == truth).mean())

"""Novelty: whether a query looks unlike every class of a support, by the distances of features.

Features are divided by their length; a class is the mean of its own. A query's distance to the
nearest class means nothing by itself, so it is compared with distances that the support shows:

- where classes have two images or more, how far each image lies from the nearest class when it
  is left out of its own: the limit is that below which 9 in 10 further images of these classes
  should lie, by Student's prediction interval of the logarithms;
- with single images, how far each lies from the nearest other class: the limit is 1.04 times the
  geometric mean of these, for a query as far away as the classes are from each other belongs to
  none. The factor is the least at which, on validation classes of Omniglot and of photos, no more
  than 1 in 10 images of the support's own classes lay beyond.

The novelty of a query is its distance divided by the limit; above 1 it is called unlike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

KNOWN = 0.9
"""The share of the classes' own images that should lie within the limit."""
ENOUGH = 4
"""Images in classes of two or more, from which on the limit is taken from these."""
MARGIN = 1.04
"""How much farther than the classes are from each other is too far."""
LEAST = 1e-12
"""Distances count as no less, so that they have a logarithm."""


@dataclass(frozen=True)
class Neighbourhood:
    """What a support's classes look like: their means (n, d), and the limit of what is alike."""

    means: Floats
    limit: float

    @classmethod
    def of(cls, features: Floats, labels: NDArray[np.int64], n: int) -> Neighbourhood:
        """Returns that of a support's features (s, d), whose classes are labels (s,) below n."""
        known = normalised(features)
        sums = np.zeros((n, known.shape[1]))
        np.add.at(sums, labels, known)
        counts = np.bincount(labels, minlength=n)
        means = sums / counts[:, None]
        to_others = distances(known, means)
        to_others[np.arange(len(labels)), labels] = np.inf
        others = to_others.min(1)
        several = counts[labels] > 1
        if several.sum() < ENOUGH:
            return cls(means, MARGIN * float(np.exp(np.log(others.clip(LEAST)).mean())))
        shots = counts[labels][several]
        without = (sums[labels] - known)[several] / (shots - 1)[:, None]
        left_out = np.linalg.norm(known[several] - without, axis=1)
        # A mean of k - 1 images is less sure than the one of k that queries are held against.
        left_out *= np.sqrt((shots + 1) * (shots - 1)) / shots
        return cls(means, upper_bound(np.minimum(left_out, others[several])))

    def novelty(self, features: Floats) -> Floats:
        """Returns the novelty (m,) of queries' features (m, d)."""
        nearest: Floats = distances(normalised(features), self.means).min(1)
        return nearest / max(self.limit, LEAST)


def normalised(features: Floats) -> Floats:
    """Returns features (..., d) divided by their length; those of length 0 stay."""
    lengths = np.linalg.norm(features, axis=-1, keepdims=True)
    ones: Floats = np.divide(features, lengths, out=np.zeros_like(features), where=lengths > 0)
    return ones


def distances(one: Floats, other: Floats) -> Floats:
    """Returns the Euclidean distances (a, b) of rows (a, d) and (b, d)."""
    squares = np.square(one).sum(1)[:, None] + np.square(other).sum(1) - 2 * one @ other.T
    lengths: Floats = np.sqrt(squares.clip(0))
    return lengths


def upper_bound(lengths: Floats, share: float = KNOWN) -> float:
    """Returns what a further length should not exceed with probability `share`.

    That is exp(mean + t(share, k - 1) * s * sqrt(1 + 1/k)) of the logarithms of k lengths.
    """
    logs = np.log(lengths.clip(LEAST))
    count = len(logs)
    quantile = float(special.stdtrit(count - 1, share))
    return float(np.exp(logs.mean() + quantile * logs.std(ddof=1) * np.sqrt(1 + 1 / count)))

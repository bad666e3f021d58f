"""The sign-flip permutation test: were the two of each pair exchanged, would it be noticed?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FLIPS = 10_000
BLOCK = 1_000
"""Flips that are drawn and multiplied at once."""
TIE = 1e-9
"""Sums this close, relative to the sum of all magnitudes, are equal: scores are fractions."""


def flips_for(pairs: int) -> int:
    """Returns how many flips tell p-values apart that stand Holm's correction over `pairs`.

    The smallest p is about 1 / flips; times the pairs, it must stay well below 0.05.
    """
    return max(FLIPS, 200 * pairs)


def sign_flip_p(differences: Floats, rng: np.random.Generator, flips: int = FLIPS) -> Floats:
    """Returns the two-sided p-values (m,) of m pairs' differences (n, m) on the same n episodes.

    If neither run is better on an episode, its difference is as likely to have the other sign. The
    share of random signs that give a sum as far from 0 as the one seen is p; the signs that were
    seen count as one of them, (hits + 1) / (flips + 1), so p is never 0.
    """
    seen = np.abs(differences.sum(0))
    reach = seen - TIE * np.abs(differences).sum(0)
    hits = np.zeros(differences.shape[1], np.int64)
    for signs in _signs(rng, flips, len(differences)):
        hits += (np.abs(signs @ differences) >= reach).sum(0)
    return np.asarray((hits + 1) / (flips + 1))


def _signs(rng: np.random.Generator, flips: int, n: int) -> Iterator[Floats]:
    """Yields random signs (up to BLOCK, n), `flips` rows in all."""
    for start in range(0, flips, BLOCK):
        count = min(BLOCK, flips - start)
        bits = np.unpackbits(np.frombuffer(rng.bytes(-(-count * n // 8)), np.uint8))
        yield 1.0 - 2.0 * bits[: count * n].reshape(count, n).astype(np.float64)

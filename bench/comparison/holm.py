"""Holm's step-down correction: p-values of many questions that are asked together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns adjusted p-values (m,) of m tests (Holm 1979): below 0.05 where one may reject.

    The chance that any true hypothesis among the m is rejected stays below 5%, however the tests
    depend on one another. The i-th smallest p counts m - i times (i from 0), and none less than
    one before it.
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted

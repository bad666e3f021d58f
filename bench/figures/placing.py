"""Placing: where the labels of points go, so that none covers a point or another label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.figures.boxes import Box, Floats, rows
from bench.figures.hindrance import Label, alone, between

_ANGLES = np.deg2rad(np.arange(0, 360, 15))
_REACHES = (0.0, 6.0, 14.0, 26.0, 42.0, 62.0, 88.0, 120.0, 160.0, 210.0)
"""Gaps between a point and its label that are tried, in points of type."""
_OF_A_REACH, _IN_ALL = 12, 4200
"""Places that are tried: the best of each reach without others, and about how many in all."""
_PASSES, _SHAKES, _SHAKEN = 20, 150, 4
"""Turns that labels get to move; how often some are put elsewhere, and how many."""
_Places = NDArray[np.intp]


def place(
    labels: Sequence[Label],
    taken: Sequence[Box],
    bounds: Box,
    unit: float = 1.0,
    *,
    light: Sequence[Box] = (),
    rightwards: bool = False,
) -> list[Box]:
    """Returns a rectangle for each label, near its point, off `taken` and off each other.

    What is `light` should not be covered either, but may be. With `rightwards`, labels stand above,
    below or to the right of their points.

    `unit` is a point of type. Each label in turn takes the best place that the others leave, until
    none moves; then some are shaken, by a generator of its own, and what is better is kept. So the
    same labels are always placed alike.
    """
    if not labels:
        return []
    share = max(3, min(_OF_A_REACH, _IN_ALL // (len(labels) * len(_REACHES))))
    boxes, costs = [], []
    for label in labels:
        others = [one for one in labels if one is not label]
        tried = _choices(label, unit, rightwards)
        cost = alone(tried, label, others, rows(taken), rows(light), bounds, unit)
        best = _best(cost, len(tried) // len(_REACHES), share)
        boxes.append(tried[best])
        costs.append(cost[best])
    chosen = _Search(np.array(costs), _pairs(labels, boxes, unit)).settled()
    return [Box(*map(float, its[at])) for its, at in zip(boxes, chosen, strict=True)]


def _choices(label: Label, unit: float, rightwards: bool) -> Floats:
    """Returns the rectangles that are tried for a label, (k, 4), by reach."""
    half = np.array([label.width, label.height]) / 2
    ways = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], 1)
    ways = ways[ways[:, 0] > -1e-6] if rightwards else ways
    reaches = np.array(_REACHES)[:, None, None, None]
    middles = label.anchors[:, None] + ways * (half + (4 + reaches) * unit)
    middles = middles.reshape(-1, 2)
    return np.concatenate([middles - half, middles + half], 1)


def _best(cost: Floats, of_a_reach: int, share: int) -> _Places:
    """Returns the cheapest places of each reach: near ones may all be taken by others."""
    order = np.argsort(cost.reshape(-1, of_a_reach), axis=1, kind="stable")[:, :share]
    return np.asarray((order + of_a_reach * np.arange(len(order))[:, None]).ravel())


def _pairs(labels: Sequence[Label], boxes: Sequence[Floats], unit: float) -> NDArray[np.float32]:
    """Returns what every two places of every two labels cost together, (n, k, n, k)."""
    count, tried = len(labels), len(boxes[0])
    found = np.zeros((count, tried, count, tried), dtype=np.float32)
    for one in range(count):
        for other in range(one):
            cost = between(boxes[one], labels[one], boxes[other], labels[other], unit)
            found[one, :, other], found[other, :, one] = cost, cost.T
    return found


class _Search:
    """The search for the places, (n,), that cost the least together."""

    def __init__(self, own: Floats, pairs: NDArray[np.float32]) -> None:
        self._own, self._pairs = own, pairs
        self._all = np.arange(len(own))

    def settled(self) -> _Places:
        """Returns the best places found."""
        rng = np.random.default_rng(0)
        best = self._descended(self._own.argmin(1))
        least = self._cost(best)
        count, tried = self._own.shape
        for _ in range(_SHAKES if count > 1 else 0):
            shaken = best.copy()
            some = rng.choice(count, min(_SHAKEN, count), replace=False)
            shaken[some] = rng.integers(tried, size=len(some))
            shaken = self._descended(shaken)
            if self._cost(shaken) < least - 1e-6:
                best, least = shaken, self._cost(shaken)
        return best

    def _descended(self, chosen: _Places) -> _Places:
        """Lets labels move in turn until none does."""
        chosen = chosen.copy()
        for _ in range(_PASSES):
            before = chosen.copy()
            for one in self._all:
                cost = self._own[one] + self._pairs[one][:, self._all, chosen].sum(1)
                best = int(cost.argmin())
                if cost[best] < cost[chosen[one]] - 1e-6:
                    chosen[one] = best
            if (chosen == before).all():
                break
        return chosen

    def _cost(self, chosen: _Places) -> float:
        together = self._pairs[self._all[:, None], chosen[:, None], self._all, chosen]
        return float(self._own[self._all, chosen].sum() + together.sum() / 2)

"""Placing: where the labels of points go, so that none covers a point or another label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_FLOAT = NDArray[np.float64]
_PASSES, _MOST = 30, 72
"""Turns that a label gets to move, and places that are tried: the best of all without others."""
_ANGLES = np.deg2rad(np.arange(0, 360, 15))
_REACHES = (0.0, 6.0, 14.0, 26.0, 42.0, 62.0, 88.0, 120.0)
"""Gaps between a point and its label that are tried, in points of type."""
_ON_LABEL, _ON_POINT, _ON_LIGHT, _OUTSIDE, _CROSSED, _DOUBTFUL = 40.0, 25.0, 2.5, 1000.0, 60.0, 12.0


class Box(NamedTuple):
    """A rectangle, in any unit."""

    left: float
    bottom: float
    right: float
    top: float

    def grown(self, by: float) -> Box:
        """Returns the rectangle, larger on all sides."""
        return Box(self.left - by, self.bottom - by, self.right + by, self.top + by)

    def overlap(self, other: Box) -> float:
        """Returns the area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0.0) * max(height, 0.0)

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """Returns the place of the rectangle that is nearest to a point."""
        return min(max(x, self.left), self.right), min(max(y, self.bottom), self.top)


@dataclass(frozen=True)
class Label:
    """A label to be placed: the point that it is of, and its size, in one unit."""

    x: float
    y: float
    width: float
    height: float


def place(
    labels: Sequence[Label],
    taken: Sequence[Box],
    bounds: Box,
    unit: float = 1.0,
    *,
    light: Sequence[Box] = (),
) -> list[Box]:
    """Returns a rectangle for each label, near its point, off `taken` and off each other.

    What is `light` should not be covered either, but may be.

    `unit` is a point of type. Each label in turn takes the best place that the others leave, until
    none moves; so the same labels are always placed alike.
    """
    if not labels:
        return []
    tried = [_tried(label, labels, taken, light, bounds, unit) for label in labels]
    orders = (range(len(labels)), range(len(labels))[::-1], np.argsort([one.x for one in labels]))
    found = [_settle(labels, tried, [int(i) for i in order], unit) for order in orders]
    chosen, _ = min(found, key=lambda one: one[1])
    return [Box(*map(float, one.boxes[at])) for one, at in zip(tried, chosen, strict=True)]


@dataclass(frozen=True)
class _Tried:
    """Places that are tried for a label, (k, 4), and what each costs without the others, (k,)."""

    boxes: _FLOAT
    cost: _FLOAT


def _tried(
    label: Label,
    labels: Sequence[Label],
    taken: Sequence[Box],
    light: Sequence[Box],
    bounds: Box,
    unit: float,
) -> _Tried:
    boxes, thin = _choices(label, unit), _rows(light)
    cost = (
        _fixed_cost(boxes, label, _rows(taken), bounds, unit)
        + _ON_LIGHT * np.sqrt(_overlaps(boxes, thin).sum(1)) / unit
        + _DOUBTFUL * _doubtful(boxes, label, [one for one in labels if one is not label])
    )
    best = np.argsort(cost, kind="stable")[:_MOST]
    return _Tried(boxes[best], cost[best])


def _settle(
    labels: Sequence[Label], tried: Sequence[_Tried], order: Sequence[int], unit: float
) -> tuple[list[int], float]:
    """Lets labels move in an order until none does; returns their places and what all cost."""
    chosen = [0] * len(labels)
    total = 0.0
    for _ in range(_PASSES):
        before, total = list(chosen), 0.0
        for number in order:
            rest = [i for i in range(len(labels)) if i != number]
            standing = [(labels[i], tried[i].boxes[chosen[i]]) for i in rest]
            own = tried[number]
            cost = own.cost + _between(own.boxes, labels[number], standing, unit)
            best = int(cost.argmin())
            if cost[best] < cost[chosen[number]] - 1e-9:
                chosen[number] = best
            total += float(cost[chosen[number]])
        if chosen == before:
            break
    return chosen, total


def _rows(boxes: Sequence[Box]) -> _FLOAT:
    return np.array([*boxes], dtype=np.float64).reshape(-1, 4)


def _choices(label: Label, unit: float) -> _FLOAT:
    """Returns the rectangles that are tried for a label, (k, 4)."""
    found = []
    for reach in _REACHES:
        for angle in _ANGLES:
            across, up = np.cos(angle), np.sin(angle)
            x = label.x + across * (label.width / 2 + (4 + reach) * unit)
            y = label.y + up * (label.height / 2 + (4 + reach) * unit)
            half_width, half_height = label.width / 2, label.height / 2
            found.append((x - half_width, y - half_height, x + half_width, y + half_height))
    return np.array(found)


def _doubtful(boxes: _FLOAT, label: Label, others: Sequence[Label]) -> _FLOAT:
    """Tells of each place whether the point of another label is about as near as its own, (k,)."""
    own = _distances(boxes, label)
    foreign = [_distances(boxes, other) < 1.2 * own for other in others]
    return np.asarray(np.any(foreign, axis=0) if foreign else np.zeros(len(boxes)), np.float64)


def _distances(boxes: _FLOAT, label: Label) -> _FLOAT:
    """Returns how far a label's point is from each rectangle, (k,)."""
    x = label.x - np.clip(label.x, boxes[:, 0], boxes[:, 2])
    y = label.y - np.clip(label.y, boxes[:, 1], boxes[:, 3])
    return np.asarray(np.hypot(x, y))


def _overlaps(boxes: _FLOAT, others: _FLOAT) -> _FLOAT:
    """Returns the areas that boxes (k, 4) share with others (m, 4), (k, m)."""
    if not len(others):
        return np.zeros((len(boxes), 0))
    one, two = boxes[:, None], others[None]
    width = np.minimum(one[..., 2], two[..., 2]) - np.maximum(one[..., 0], two[..., 0])
    height = np.minimum(one[..., 3], two[..., 3]) - np.maximum(one[..., 1], two[..., 1])
    return np.asarray(width.clip(0) * height.clip(0))


def _leaders(boxes: _FLOAT, label: Label) -> _FLOAT:
    """Returns the lines from a point to each rectangle as places on them, (k, 9, 2)."""
    x = np.clip(label.x, boxes[:, 0], boxes[:, 2])
    y = np.clip(label.y, boxes[:, 1], boxes[:, 3])
    share = np.linspace(0.15, 1.0, 9)
    return np.stack(
        [label.x + share * (x[:, None] - label.x), label.y + share * (y[:, None] - label.y)], 2
    )


def _within(places: _FLOAT, boxes: _FLOAT) -> _FLOAT:
    """Returns how many of the places (k, s, 2) lie in any of the boxes (m, 4), (k,)."""
    if not len(boxes):
        return np.zeros(len(places))
    x, y = places[:, :, None, 0], places[:, :, None, 1]
    inside = (x > boxes[:, 0]) & (x < boxes[:, 2]) & (y > boxes[:, 1]) & (y < boxes[:, 3])
    return np.asarray(inside.any(2).sum(1), dtype=np.float64)


def _fixed_cost(boxes: _FLOAT, label: Label, blocked: _FLOAT, bounds: Box, unit: float) -> _FLOAT:
    """Returns what each place costs whatever the other labels do: covering, distance, side."""
    area = label.width * label.height
    covering = _overlaps(boxes, blocked).sum(1) / (unit * unit)
    outside = area - _overlaps(boxes, np.array([bounds]))[:, 0]
    lines = _leaders(boxes, label)
    away = _distances(boxes, label) / unit
    own = Box(label.x, label.y, label.x, label.y).grown(5 * unit)
    foreign = blocked[_overlaps(blocked, np.array([own]))[:, 0] == 0] if len(blocked) else blocked
    crossing = _within(lines, foreign)
    centres = (boxes[:, 0] + boxes[:, 2]) / 2
    side = 0.6 * (1 - (centres - label.x) / (label.width / 2 + 4 * unit)).clip(0)
    return np.asarray(
        _ON_POINT * np.sqrt(covering)
        + _OUTSIDE * (outside > 1e-6 * area)
        + _CROSSED * crossing / 9
        + away
        + side
    )


def _between(
    boxes: _FLOAT, label: Label, standing: Sequence[tuple[Label, _FLOAT]], unit: float
) -> _FLOAT:
    """Returns what each place costs by the labels that stand: on them, and lines across."""
    if not standing:
        return np.zeros(len(boxes))
    others = np.array([box for _, box in standing])
    grown = others + np.array([-1.5, -0.5, 1.5, 0.5]) * unit
    cost = _ON_LABEL * np.sqrt(_overlaps(boxes, grown).sum(1)) / unit
    cost = cost + _CROSSED * _within(_leaders(boxes, label), others) / 9
    lines = np.concatenate([_leaders(box[None], other) for other, box in standing])
    x, y = lines[..., 0].ravel(), lines[..., 1].ravel()
    left, bottom, right, top = boxes.T[:, :, None]
    hits = ((x > left) & (x < right) & (y > bottom) & (y < top)).sum(1)
    return np.asarray(cost + _CROSSED * hits / 9)

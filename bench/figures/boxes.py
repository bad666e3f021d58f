"""Boxes: rectangles, and which of them cover one another or lie on lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Rectangles are (k, 4): left, bottom, right, top. Points are (k, 2), lines (k, 2, 2)."""


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


def rows(boxes: Sequence[Box]) -> Floats:
    """Returns boxes as rows of an array, (k, 4)."""
    return np.array([*boxes], dtype=np.float64).reshape(-1, 4)


def overlaps(one: Floats, two: Floats) -> Floats:
    """Returns the areas that rectangles (k, 4) share with others (m, 4), (k, m)."""
    first, second = one[:, None], two[None]
    width = np.minimum(first[..., 2], second[..., 2]) - np.maximum(first[..., 0], second[..., 0])
    height = np.minimum(first[..., 3], second[..., 3]) - np.maximum(first[..., 1], second[..., 1])
    return np.asarray(width.clip(0) * height.clip(0))


def leaders(boxes: Floats, points: Floats) -> Floats:
    """Returns the shortest line from any of the points (p, 2) to each rectangle, (k, 2, 2)."""
    left, bottom, right, top = boxes.T[:, :, None]
    ends = np.stack([np.clip(points[:, 0], left, right), np.clip(points[:, 1], bottom, top)], 2)
    away = np.hypot(*np.moveaxis(ends - points, 2, 0))
    nearest = away.argmin(1)
    return np.stack([points[nearest], ends[np.arange(len(boxes)), nearest]], 1)


def distances(boxes: Floats, points: Floats) -> Floats:
    """Returns how far each rectangle is from the nearest of the points, (k,)."""
    lines = leaders(boxes, points)
    return np.asarray(np.hypot(*(lines[:, 1] - lines[:, 0]).T))


def on_lines(lines: Floats, boxes: Floats) -> NDArray[np.bool_]:
    """Tells which lines (k, 2, 2) go through which rectangles (m, 4), (k, m)."""
    enter, leave = np.zeros((len(lines), len(boxes))), np.ones((len(lines), len(boxes)))
    for axis in (0, 1):
        start, way = lines[:, None, 0, axis], lines[:, None, 1, axis] - lines[:, None, 0, axis]
        way = np.where(np.abs(way) < 1e-9, 1e-9, way)
        low, high = (boxes[:, axis] - start) / way, (boxes[:, axis + 2] - start) / way
        enter = np.maximum(enter, np.minimum(low, high))
        leave = np.minimum(leave, np.maximum(low, high))
    return np.asarray(enter < leave)


def crossings(one: Floats, two: Floats) -> NDArray[np.bool_]:
    """Tells which lines (k, 2, 2) cross which others (m, 2, 2), (k, m)."""
    a, b, c, d = one[:, None, 0], one[:, None, 1], two[None, :, 0], two[None, :, 1]

    def turn(p: Floats, q: Floats, r: Floats) -> Floats:
        (x, y), (u, v) = np.moveaxis(q - p, 2, 0), np.moveaxis(r - p, 2, 0)
        return np.asarray(x * v - y * u)

    apart = turn(c, d, a) * turn(c, d, b) < 0
    return np.asarray(apart & (turn(a, b, c) * turn(a, b, d) < 0))

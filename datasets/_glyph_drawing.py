"""Drawings of glyphs: font outlines, distorted as polygons and filled on a grid of pixels.

No font renderer is involved, and only arithmetic that IEEE 754 fixes to the last bit, so that
the same outlines and the same seed give the same pixels on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SIZE = 28
BOX = 18.0
"""The longer side of every glyph, in pixels, before distortion."""

_CURVE_STEPS = 6
_SCANLINES = 4
_UNIT = 64
_GRID = 5


@dataclass(frozen=True)
class Outlines:
    """The closed contours of a batch of drawings, with the ink to the right of their direction.

    points (n, 2) are x to the right and y downwards; successor (n,) is the index of the next
    point of the same contour; owner (n,) is the number of the drawing that a point belongs to.
    """

    points: Floats
    successor: Integers
    owner: Integers
    count: int


def outline(points: Floats, on_curve: NDArray[np.bool_], ends: Sequence[int]) -> Outlines:
    """Returns the outline of one TrueType glyph, fitted into the box around the origin.

    points (n, 2) are the glyph's, y upwards; on_curve (n,) tells knots from control points;
    ends are the indices of the contours' last points.
    """
    starts = [0, *(end + 1 for end in ends[:-1])]
    contours = [
        _polygon(points[start : end + 1], on_curve[start : end + 1])
        for start, end in zip(starts, ends, strict=True)
        if end - start >= 2
    ]
    offsets = np.cumsum([0, *map(len, contours)])
    successor = [
        np.roll(np.arange(len(contour)), -1) + offset
        for contour, offset in zip(contours, offsets[:-1], strict=True)
    ]
    joined = np.concatenate(contours) * (1.0, -1.0)
    low, high = joined.min(axis=0), joined.max(axis=0)
    fitted = (joined - (low + high) / 2) * (BOX / (high - low).max())
    return Outlines(fitted, np.concatenate(successor), np.zeros(len(joined), np.int64), 1)


def _polygon(points: Floats, on_curve: NDArray[np.bool_]) -> Floats:
    """Returns a contour of quadratic curves as a polygon (m, 2)."""
    gaps = np.flatnonzero(~on_curve & ~np.roll(on_curve, -1))
    implied = (points[gaps] + np.roll(points, -1, axis=0)[gaps]) / 2
    points = np.insert(points, gaps + 1, implied, axis=0)
    on_curve = np.insert(on_curve, gaps + 1, True)
    knots = np.flatnonzero(on_curve)
    after, second = (knots + 1) % len(points), (knots + 2) % len(points)
    straight = on_curve[after][:, None]
    start = points[knots]
    stop = np.where(straight, points[after], points[second])
    control = np.where(straight, (start + stop) / 2, points[after])
    t = (np.arange(_CURVE_STEPS) / _CURVE_STEPS)[:, None]
    curves = (
        (1 - t) ** 2 * start[:, None] + 2 * t * (1 - t) * control[:, None] + t**2 * stop[:, None]
    )
    return curves.reshape(-1, 2)


def squared(drawing: Outlines) -> Outlines:
    """Returns one drawing stretched so that both its sides are as long as the box."""
    return replace(drawing, points=drawing.points * (BOX / np.ptp(drawing.points, axis=0)))


def batch(drawings: Sequence[Outlines]) -> Outlines:
    """Joins drawings, one in each of `drawings`, into one batch in their order."""
    lengths = [len(drawing.points) for drawing in drawings]
    offsets = np.cumsum(lengths) - lengths
    return Outlines(
        np.concatenate([drawing.points for drawing in drawings]),
        np.concatenate([drawing.successor for drawing in drawings]) + np.repeat(offsets, lengths),
        np.repeat(np.arange(len(drawings)), lengths),
        len(drawings),
    )


@dataclass(frozen=True)
class Distortion:
    """How far drawings may depart from the font; each drawing draws its own amounts, uniformly.

    Args:
        rotation: largest turn, as the tangent of half the angle.
        shear: largest shift of x per pixel of y.
        stretch: largest relative change of width and of height.
        shift: largest displacement of the whole drawing, in pixels.
        bend: largest displacement of a control point of the elastic grid, in pixels.
        thinner: most that a stroke's edge may retreat, in pixels.
        thicker: most that a stroke's edge may advance, in pixels.
    """

    rotation: float = 0.14
    shear: float = 0.25
    stretch: float = 0.2
    shift: float = 2.0
    bend: float = 3.0
    thinner: float = 0.3
    thicker: float = 0.5

    def __call__(self, drawings: Outlines, rng: np.random.Generator) -> Outlines:
        """Returns the drawings, each with another stroke width, bent, and transformed."""
        count, owner = drawings.count, drawings.owner
        span = (self.thinner + self.thicker) / 2
        edge = _uniform(rng, span, (count, 1)) + (self.thicker - self.thinner) / 2
        grid = _uniform(rng, self.bend, (count, _GRID, _GRID, 2))
        stretch = 1 + _uniform(rng, self.stretch, (count, 2))
        shear = _uniform(rng, self.shear, (count,))[owner]
        turn = _uniform(rng, self.rotation, (count,))
        cosine = ((1 - turn * turn) / (1 + turn * turn))[owner]
        sine = (2 * turn / (1 + turn * turn))[owner]
        shift = _uniform(rng, self.shift, (count, 2))

        points = drawings.points + edge[owner] * _outward(drawings)
        points = (points + _spline(points, owner, grid)) * stretch[owner]
        x, y = points[:, 0] + shear * points[:, 1], points[:, 1]
        turned = np.stack((cosine * x - sine * y, sine * x + cosine * y), axis=1)
        return replace(drawings, points=turned + shift[owner])


def _uniform(rng: np.random.Generator, limit: float, shape: tuple[int, ...]) -> Floats:
    """Returns numbers between -limit and limit.

    A compiler may fuse the sum inside `rng.uniform`, which would change the last bit.
    """
    return (2 * rng.random(shape) - 1) * limit


def _outward(drawings: Outlines) -> Floats:
    """Returns the unit vectors (n, 2) that point away from the ink."""
    predecessor = np.empty_like(drawings.successor)
    predecessor[drawings.successor] = np.arange(len(predecessor))
    along = drawings.points[drawings.successor] - drawings.points[predecessor]
    length = np.sqrt(along[:, 0] * along[:, 0] + along[:, 1] * along[:, 1])
    return np.stack((along[:, 1], -along[:, 0]), axis=1) / np.maximum(length, 1e-9)[:, None]


def _spline(points: Floats, owner: Integers, grid: Floats) -> Floats:
    """Returns the value (n, 2) at each point of its drawing's quadratic spline.

    grid (count, g, g, 2) are the control points, evenly spaced over the image.
    """
    cells = grid.shape[1] - 2
    place = np.clip((points / SIZE + 0.5) * cells, 0, cells - 1e-9)
    cell = np.floor(place).astype(np.int64)
    f = place - cell
    weights = (0.5 * (1 - f) * (1 - f), 0.75 - (f - 0.5) * (f - 0.5), 0.5 * f * f)
    total = np.zeros_like(points)
    for i in range(3):
        for j in range(3):
            weight = weights[i][:, 0] * weights[j][:, 1]
            total += weight[:, None] * grid[owner, cell[:, 0] + i, cell[:, 1] + j]
    return total


def fill(drawings: Outlines) -> NDArray[np.uint8]:
    """Returns the drawings as images (count, SIZE, SIZE), ink 255, the origin at the centre.

    Every row of pixels is crossed by a few scanlines; along each, the coverage of a pixel is
    exact up to 1 / _UNIT and summed up in integers.
    """
    count, lines = drawings.count, SIZE * _SCANLINES
    x, y = (drawings.points + SIZE / 2).T
    y = y * _SCANLINES
    x_stop, y_stop = x[drawings.successor], y[drawings.successor]
    edge, line = _crossings(y, y_stop, lines)
    slope = (x_stop - x)[edge] / (y_stop - y)[edge]
    place = x[edge] + (line + 0.5 - y[edge]) * slope
    fixed = np.floor(np.clip(place, 0, SIZE) * _UNIT).astype(np.int64)
    pixel, part = fixed // _UNIT, fixed % _UNIT
    direction = np.where(y_stop > y, 1, -1)[edge]
    # Two columns more than the image: a crossing at its right edge changes the pixels beyond.
    width = SIZE + 2
    cell = (drawings.owner[edge] * lines + line) * width + pixel
    change = np.bincount(cell, direction * (_UNIT - part), count * lines * width)
    change += np.bincount(cell + 1, direction * part, count * lines * width)
    winding = np.abs(np.cumsum(change.reshape(count, lines, width), axis=2))
    ink = np.minimum(winding, _UNIT)[:, :, :SIZE].reshape(count, SIZE, _SCANLINES, SIZE)
    grey: Floats = ink.sum(axis=2) * 255 / (_UNIT * _SCANLINES)
    return np.floor(grey + 0.5).astype(np.uint8)


def _crossings(start: Floats, stop: Floats, lines: int) -> tuple[Integers, Integers]:
    """Returns, for every crossing of an edge with a scanline, the edge and the scanline.

    Edges run from height start (n,) to stop (n,); scanline k of `lines` lies at height k + 0.5.
    """
    top = np.clip(np.ceil(np.minimum(start, stop) - 0.5), 0, lines).astype(np.int64)
    bottom = np.clip(np.ceil(np.maximum(start, stop) - 0.5), 0, lines).astype(np.int64)
    crossings = bottom - top
    edge = np.repeat(np.arange(len(start)), crossings)
    first = np.cumsum(crossings) - crossings
    return edge, np.arange(len(edge)) - first[edge] + top[edge]

"""Hindrance: how much is against a label's standing in a place, alone and beside another label.

All costs are in one unit, about a point of type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.figures.boxes import Box, Floats, crossings, distances, leaders, on_lines, overlaps, rows

NEAR = 7.0
"""Points of type: a label within needs no line to what it is of."""
_FAR = 0.6
"""Of the distance between a label and what it is of."""
_ON_LABEL, _ON_POINT, _ON_LIGHT, _OUTSIDE = 40.0, 25.0, 10.0, 1000.0
"""Of the root of the area of a label that lies on another, on what is taken or light, outside."""
_THROUGH, _KNOT, _THROUGH_LIGHT = 40.0, 30.0, 3.0
"""A line through a label or what is taken, across another line, through what is light."""
_DOUBTFUL, _FOLLOWED = 30.0, 12.0
"""Another label's point is about as near, and there is no line or one to follow."""


@dataclass(frozen=True)
class Label:
    """A label to be placed: the point that it is of, and its size, in one unit.

    `others` are further points of it, joined to the first by a line.
    """

    x: float
    y: float
    width: float
    height: float
    others: tuple[tuple[float, float], ...] = ()

    @property
    def points(self) -> Floats:
        """All its points, (p, 2)."""
        return np.array([(self.x, self.y), *self.others])

    @property
    def anchors(self) -> Floats:
        """What it may stand beside: its points, and the middles of the lines between, (a, 2)."""
        points = self.points
        return np.concatenate([points, (points[1:] + points[:-1]) / 2])


def alone(
    boxes: Floats,
    label: Label,
    others: Sequence[Label],
    taken: Floats,
    light: Floats,
    bounds: Box,
    unit: float,
) -> Floats:
    """Returns what each place (k, 4) of a label costs wherever the other labels stand, (k,)."""
    lines = leaders(boxes, label.anchors)
    away = distances(boxes, label.anchors) / unit
    outside = label.width * label.height - overlaps(boxes, rows([bounds]))[:, 0]
    own = on_lines(np.stack([label.points, label.points], 1), taken).any(0)
    foreign = taken[~own]
    middles = (boxes[:, 0] + boxes[:, 2]) / 2
    side = 0.6 * (1 - (middles - lines[:, 0, 0]) / (label.width / 2 + 4 * unit)).clip(0)
    return np.asarray(
        _FAR * away
        + side
        + _ON_POINT * np.sqrt(overlaps(boxes, taken).sum(1)) / unit
        + _ON_LIGHT * np.sqrt(overlaps(boxes, light).sum(1)) / unit
        + _OUTSIDE * (outside > 1e-6 * label.width * label.height)
        + _THROUGH * on_lines(lines, foreign).sum(1)
        + _THROUGH_LIGHT * on_lines(lines, light).sum(1)
        + _doubt(boxes, away, [one.anchors for one in others], unit)
    )


def between(boxes: Floats, label: Label, theirs: Floats, other: Label, unit: float) -> Floats:
    """Returns what each place (k, 4) of a label costs beside each (m, 4) of another, (k, m)."""
    mine, its = leaders(boxes, label.anchors), leaders(theirs, other.anchors)
    drawn = distances(boxes, label.anchors) > NEAR * unit
    also = distances(theirs, other.anchors) > NEAR * unit
    grown = theirs + np.array([-4.0, -1.5, 4.0, 1.5]) * unit
    return np.asarray(
        _ON_LABEL * np.sqrt(overlaps(boxes, grown)) / unit
        + _THROUGH * (on_lines(mine, theirs) & drawn[:, None])
        + _THROUGH * (on_lines(its, boxes) & also[:, None]).T
        + _KNOT * (crossings(mine, its) & drawn[:, None] & also)
    )


def _doubt(boxes: Floats, away: Floats, others: Sequence[Floats], unit: float) -> Floats:
    """Returns what it costs that another label's point is about as near as its own, (k,)."""
    if not others:
        return np.zeros(len(boxes))
    foreign = distances(boxes, np.concatenate([*others])) / unit
    cost = np.where(away > NEAR, _FOLLOWED, _DOUBTFUL)
    return np.where(foreign < np.minimum(1.5 * away + 2, 2 * NEAR), cost, 0.0)

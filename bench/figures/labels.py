"""Labels: names written beside what they are of, with a thin line where that is not near."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.text import Text

from bench.figures.look import FAINT, INK, SMALL
from bench.figures.placing import Box, Label, place

_NEAR = 7.0
"""Points of type: names within need no line."""
Point = tuple[float, float]


def write_names(
    axes: Axes,
    names: Sequence[str],
    points: Sequence[Point],
    taken: Sequence[Box],
    bounds: Box,
    light: Sequence[Box] = (),
) -> None:
    """Writes a name near each point (in data), off all that is `taken`, within bounds (in dots).

    What is `light` may be covered if need be.
    """
    dot = dots(axes)
    drawn = [
        axes.text(0, 0, name, size=SMALL, color=INK, zorder=5, path_effects=halo())
        for name in names
    ]
    labels = []
    for point, text in zip(points, drawn, strict=True):
        size = box_of(text)
        labels.append(Label(*at(axes, point), size.right - size.left, size.top - size.bottom))
    back = axes.transData.inverted()
    places = place(labels, taken, bounds, dot, light=light)
    for label, text, box in zip(labels, drawn, places, strict=True):
        centre = ((box.left + box.right) / 2, (box.bottom + box.top) / 2)
        text.set_position(tuple(back.transform(centre)))
        text.set(ha="center", va="center")
        near = box.nearest(label.x, label.y)
        if math.dist(near, (label.x, label.y)) > _NEAR * dot:
            ends = back.transform([(label.x, label.y), near])
            line = axes.plot(ends[:, 0], ends[:, 1], color=FAINT, linewidth=0.6, zorder=2.8)
            line[0].set_clip_on(False)


def halo() -> list[AbstractPathEffect]:
    """Returns what keeps letters legible on a line."""
    return [withStroke(linewidth=2.0, foreground="white")]


def dots(axes: Axes) -> float:
    """Returns how many dots a point of type has."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    return figure.dpi / 72


def at(axes: Axes, point: Point) -> Point:
    """Returns where a point of the data is, in dots."""
    x, y = np.asarray(axes.transData.transform(point))
    return float(x), float(y)


def box_of(text: Text) -> Box:
    """Returns what a text covers, in dots."""
    return Box(*text.get_window_extent().extents)


def area_of(axes: Axes) -> Box:
    """Returns what the axes cover, in dots."""
    return Box(*axes.get_window_extent().extents)

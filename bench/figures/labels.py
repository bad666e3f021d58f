"""Labels: names written beside what they are of, with a thin line where that is not near."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.text import Text

from bench.figures.boxes import Box, leaders, rows
from bench.figures.hindrance import NEAR, Label
from bench.figures.look import INK, SMALL
from bench.figures.placing import place

Point = tuple[float, float]


@dataclass(frozen=True)
class Named:
    """A name, the points (in data) that it is of, joined by a line, and their colour."""

    name: str
    points: tuple[Point, ...]
    colour: str


def write_names(
    axes: Axes,
    names: Sequence[Named],
    taken: Sequence[Box],
    bounds: Box,
    light: Sequence[Box] = (),
    *,
    rightwards: bool = False,
) -> None:
    """Writes names near their points, off all that is `taken`, within bounds (in dots).

    What is `light` may be covered if need be. From what is not near, a line in its colour leads to
    the name. `rightwards` is as for `place`.
    """
    dot = dots(axes)
    drawn = [
        axes.text(0, 0, one.name, size=SMALL, color=INK, zorder=5, path_effects=halo())
        for one in names
    ]
    labels = []
    for one, text in zip(names, drawn, strict=True):
        size = box_of(text)
        (x, y), *others = [at(axes, point) for point in one.points]
        labels.append(Label(x, y, size.right - size.left, size.top - size.bottom, tuple(others)))
    back = axes.transData.inverted()
    places = place(labels, taken, bounds, dot, light=light, rightwards=rightwards)
    for one, label, text, box in zip(names, labels, drawn, places, strict=True):
        centre = ((box.left + box.right) / 2, (box.bottom + box.top) / 2)
        text.set_position(tuple(back.transform(centre)))
        text.set(ha="center", va="center")
        (leader,) = leaders(rows([box]), label.anchors)
        if math.dist(*leader) > NEAR * dot:
            ends = back.transform(leader)
            line = axes.plot(
                ends[:, 0], ends[:, 1], color=one.colour, linewidth=0.6, alpha=0.8, zorder=2.8
            )
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

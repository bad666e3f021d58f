"""Floors: what needs no training, as lines across a panel, or in words where it is far below."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.text import Text

from bench.figures.boxes import Box
from bench.figures.labels import area_of, at, box_of, dots, halo
from bench.figures.look import FAINT, INK, SMALL
from bench.figures.marks import Mark
from bench.figures.scale import heights
from bench.tasks import Metric

_STRETCH = 0.15
"""The share by which a floor may make a panel longer; those below it are only written."""
_LINE = 11.5
"""Points of a line of words, with what is between lines."""
_SHIFTS = (0.0, 0.25, 0.5, 0.75)
"""Shares of the width at which the name of a floor may begin."""


@dataclass(frozen=True)
class Floors:
    """The floors that a panel shows by lines, those that are below it, and what words say so."""

    within: tuple[Mark, ...]
    below: tuple[Mark, ...]
    metric: Metric

    @classmethod
    def of(cls, floors: Sequence[Mark], scores: Sequence[float], metric: Metric) -> Floors:
        """Tells floors apart by the scores that the panel shows."""
        ordered = sorted(floors, key=lambda one: heights(metric, [one.mean])[0], reverse=True)
        if not scores:
            return cls(tuple(ordered), (), metric)
        known = heights(metric, scores)
        least = known.min() - _STRETCH * max(known.max() - known.min(), 0.3)
        within = [one for one in ordered if heights(metric, [one.mean])[0] >= least]
        return cls(tuple(within), tuple(ordered[len(within) :]), metric)

    def room(self, axes: Axes) -> float:
        """Returns the share of the height of the axes that the words at the bottom take."""
        height = area_of(axes).top - area_of(axes).bottom
        return len(self._words(axes)) * _LINE * dots(axes) / height

    def write(self, axes: Axes, marks: Sequence[Box]) -> list[Box]:
        """Draws the lines and writes all names; returns what they cover."""
        taken = self._write_below(axes)
        area, dot = area_of(axes), dots(axes)
        lines = []
        for mark in self.within:
            axes.axhline(mark.mean, color=FAINT, linestyle=":", linewidth=1.2, zorder=1.5)
            _, y = at(axes, (1.0, mark.mean))
            lines.append(Box(area.left, y, area.right, y).grown(dot))
        for mark, own in zip(self.within, lines, strict=True):
            text = _text(axes, f"{mark.name} (not trained)")
            others = [line for line in lines if line is not own]
            taken.append(_put(text, mark.mean, axes, [*taken, *others, *marks]).grown(dot))
        return [*taken, *lines]

    def _words(self, axes: Axes) -> list[str]:
        """Returns what is written of those below: in one line if it fits, else a line each."""
        if not self.below:
            return []
        known = [f"{mark.name} {self.metric.text(mark.mean)}" for mark in self.below]
        one = "\N{DOWNWARDS ARROW} not trained: " + ", ".join(known)
        text = _text(axes, one)
        width = box_of(text).right - box_of(text).left
        text.remove()
        if width <= area_of(axes).right - area_of(axes).left - 6 * dots(axes):
            return [one]
        return [f"\N{DOWNWARDS ARROW} {each} (not trained)" for each in known]

    def _write_below(self, axes: Axes) -> list[Box]:
        area, dot = area_of(axes), dots(axes)
        taken = []
        for number, line in enumerate(reversed(self._words(axes))):
            text = _text(axes, line)
            right, up = 3 * dot, (3 + number * _LINE) * dot
            text.set_transform(axes.transAxes)
            text.set_position((right / (area.right - area.left), up / (area.top - area.bottom)))
            taken.append(box_of(text).grown(dot))
        return taken


def _text(axes: Axes, words: str) -> Text:
    return axes.text(
        0, 0, words, size=SMALL, color=INK, va="bottom", path_effects=halo(), parse_math=False
    )


def _put(text: Text, value: float, axes: Axes, taken: Sequence[Box]) -> Box:
    """Puts the name of a floor where it covers least: above its line at the left, if that is free.

    Else below the line, or further to the right.
    """
    area, dot = area_of(axes), dots(axes)
    width = box_of(text).right - box_of(text).left
    lefts = [area.left + 3 * dot + shift * (area.right - area.left) for shift in _SHIFTS]
    lefts = [*(x for x in lefts if x + width < area.right), area.right - width - 3 * dot]
    _, y = at(axes, (1.0, value))
    sides: tuple[tuple[int, Literal["bottom", "top"]], ...] = ((2, "bottom"), (-2, "top"))
    places: list[tuple[float, int, tuple[float, float], Literal["bottom", "top"]]] = []
    for left, (gap, side) in itertools.product(lefts, sides):
        text.set(va=side, position=axes.transData.inverted().transform((left, y + gap * dot)))
        box = box_of(text)
        covered = sum(box.overlap(other) for other in taken)
        outside = max(area.bottom - box.bottom, 0.0) * width
        places.append((covered + outside, len(places), text.get_position(), side))
    _, _, position, side = min(places)
    text.set(va=side, position=position)
    return box_of(text)

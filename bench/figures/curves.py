"""Learning curves: what trainings scored on validation episodes, by minutes of a core."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from bench.figures.boxes import Box
from bench.figures.courses import Course
from bench.figures.key import Key
from bench.figures.labels import Named, area_of, at, dots, write_names
from bench.figures.look import (
    INK,
    LARGE,
    MIDDLE,
    SMALL,
    WIDTH,
    bare,
    canvas,
    colours_of,
    family_order,
)
from bench.figures.scale import scale_minutes, scale_scores, score_name
from bench.measurements import CurvePoint

_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
"""By turns within a family, whose colour is one."""
_BOLD, _THIN = 1.7, 0.6
_LEFT, _RIGHT, _TOP, _BOTTOM, _BETWEEN = 0.62, 1.0, 0.45, 0.55, 0.8
_HIGH, _LOW = 4.2, 1.9
"""Inches of the panel of scores and of that of losses."""
_BEGINNINGS = 0.1
"""The share of a course's looks, the worst, that may be below the panel: beginnings take room."""
Value = Callable[[CurvePoint], float]


def curves_figure(courses: Sequence[Course], title: str) -> Figure:
    """Returns the curves of scores, and below the training losses of what was not validated."""
    validated = [course for course in courses if course.is_validated]
    others = [course for course in courses if not course.is_validated]
    parts = [
        (part, max(high, high - 1.6 + 0.1 * len(part)), value)
        for part, high, value in ((validated, _HIGH, _score), (others, _LOW, _loss))
        if part
    ]
    height = _TOP + sum(high for _, high, _ in parts) + _BETWEEN * (len(parts) - 1) + _BOTTOM
    key = _key(courses)
    height += key.height
    made = canvas(height)
    colours = colours_of(course.family for course in courses)
    made.text(0.1 / WIDTH, 1 - 0.1 / height, title, size=LARGE, weight="bold", va="top", color=INK)
    looks = [point for course in courses for seed in course.seeds for point in seed]
    minutes = [_minutes(point) for point in looks if _minutes(point) > 0]
    top, wide = height - _TOP, WIDTH - _LEFT - _RIGHT
    for part, high, value in parts:
        box = (_LEFT / WIDTH, (top - high) / height, wide / WIDTH, high / height)
        axes = made.add_axes(box)
        scale_minutes(axes, minutes)
        _draw(axes, part, colours, value)
        top -= high + _BETWEEN
    key.write(made, colours)
    return made


def _key(courses: Sequence[Course]) -> Key:
    """Returns the key: a line is told by the name at its end, and dashes tell those near apart."""
    families = [course.family for course in courses]
    bold = Line2D([], [], color=INK, linewidth=_BOLD)
    signs = [(bold, "a training, named at its end")]
    if any(len(course.seeds) > 1 for course in courses):
        thin = Line2D([], [], color=INK, linewidth=_THIN)
        signs = [(bold, "a training (mean of its seeds), named at its end"), (thin, "a seed")]
    if len(set(families)) < len(families):
        dashed = Line2D([], [], color=INK, linewidth=_BOLD, linestyle="--")
        signs.append((dashed, "another of the same family"))
    return Key(tuple(family_order(families)), tuple(signs))


def _draw(axes: Axes, courses: Sequence[Course], colours: dict[str, str], value: Value) -> None:
    """Draws one panel: each seed thin, their mean bold, its name at its end."""
    bare(axes)
    points = [point for course in courses for seed in course.seeds for point in seed]
    (_scale_scores if value is _score else _scale_losses)(axes, courses, points)
    turn: dict[str, int] = {}
    for course in courses:
        turn[course.family] = turn.get(course.family, -1) + 1
        colour, style = colours[course.family], _STYLES[turn[course.family] % len(_STYLES)]
        for seed in course.seeds if len(course.seeds) > 1 else ():
            axes.plot(*_places(seed, value), color=colour, linewidth=_THIN, alpha=0.5)
        axes.plot(
            *_places(course.mean, value),
            color=colour,
            linewidth=_BOLD,
            linestyle=style,
            label=course.name,
        )
        end = [values[-1:] for values in _places(course.mean, value)]
        axes.plot(*end, marker="o", markersize=4.5, markeredgecolor="white", color=colour, zorder=4)
    _name_ends(axes, courses, colours, value)


def _scale_scores(axes: Axes, courses: Sequence[Course], points: Sequence[CurvePoint]) -> None:
    metric = courses[0].metric
    lowest = min(_lowest(course) for course in courses)
    scale_scores(axes, metric, [lowest, *(s for s in map(_score, points) if s > lowest)])
    axes.set_ylabel(score_name(metric, "validation"), size=MIDDLE, color=INK)


def _lowest(course: Course) -> float:
    """Returns the score from which on a course is to be seen."""
    looks = [_score(point) for seed in course.seeds for point in seed]
    return min(_score(course.mean[-1]), float(np.quantile(looks, _BEGINNINGS)))


def _scale_losses(axes: Axes, _: Sequence[Course], points: Sequence[CurvePoint]) -> None:
    losses = [point.train_loss for point in points if point.train_loss > 0]
    axes.set_yscale("log")
    axes.set_ylim(min(losses) / 1.4, max(losses) * 1.4)
    steps = [each * 10.0**power for power in range(-8, 8) for each in (1, 2, 5)]
    axes.set_yticks([step for step in steps if min(losses) / 1.4 <= step <= max(losses) * 1.4])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.minorticks_off()
    axes.set_ylabel("training loss", size=MIDDLE, color=INK)
    note = "trained on the validation classes too, so there is nothing to validate on"
    axes.set_title(note, size=SMALL, color=INK, loc="left", pad=4)


def _name_ends(
    axes: Axes, courses: Sequence[Course], colours: dict[str, str], value: Value
) -> None:
    """Writes the name of each course at the end of its curve, off all curves."""
    dot, area = dots(axes), area_of(axes)
    taken: list[Box] = []
    light: list[Box] = []
    names: list[Named] = []
    for course in courses:
        minutes, values = _places(course.mean, value)
        places = [at(axes, point) for point in zip(minutes, values, strict=True)]
        light += [Box(x, y, x, y).grown(1.5 * dot) for x, y in _filled(places, 6 * dot)]
        taken.append(Box(*places[-1], *places[-1]).grown(3 * dot))
        end = (minutes[-1], values[-1])
        names.append(Named(course.name, (end,), colours[course.family]))
    right = area.right + _RIGHT * 72 * dot
    bounds = Box(area.left, area.bottom, right, area.top + 8 * dot).grown(-2 * dot)
    write_names(axes, names, taken, bounds, light, rightwards=True)


def _filled(places: Sequence[tuple[float, float]], step: float) -> list[tuple[float, float]]:
    """Returns places along a curve, no further apart than a step."""
    found = [*places[:1]]
    for one, other in itertools.pairwise(places):
        count = max(1, round(math.dist(one, other) / step))
        shares = [number / count for number in range(1, count + 1)]
        found += [
            (one[0] + s * (other[0] - one[0]), one[1] + s * (other[1] - one[1])) for s in shares
        ]
    return found


def _places(points: Sequence[CurvePoint], value: Value) -> tuple[list[float], list[float]]:
    """Returns minutes and values; what took no time yet has no place on the scale."""
    known = [point for point in points if _minutes(point) > 0]
    return [_minutes(point) for point in known], [value(point) for point in known]


def _minutes(point: CurvePoint) -> float:
    return point.core_seconds / 60


def _score(point: CurvePoint) -> float:
    return point.score or 0.0


def _loss(point: CurvePoint) -> float:
    return point.train_loss

"""Accuracy against compute: each row at the minutes of a core that its training took."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.figures.key import SIDE, Fill, Key, dot_sign
from bench.figures.labels import area_of, at, box_of, dots, halo, write_names
from bench.figures.look import (
    FAINT,
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
from bench.figures.marks import Mark, Panel, Verdict
from bench.figures.placing import Box
from bench.figures.scale import scale_minutes, scale_scores

_FILL: dict[Verdict, Fill] = {
    "inductive": "full",
    "batch-dependent": "left",
    "transductive": "hollow",
}
_SETTINGS: dict[Verdict, str] = {
    "inductive": "each query alone",
    "batch-dependent": "depends on the batch",
    "transductive": "queries together (measured)",
}


def compute_figure(panels: Sequence[Panel], title: str) -> Figure:
    """Returns the figure: one panel in full, or up to four in two columns."""
    columns = 1 if len(panels) == 1 else 2
    lines = math.ceil(len(panels) / columns)
    key = _key(panels)
    left, right, top, bottom = 0.62, 0.12, 0.42 if columns == 1 else 0.62, key.height + 0.52
    gap, between = 0.55, 0.55
    high = 4.2 if columns == 1 else 3.8
    height = top + lines * high + (lines - 1) * between + bottom
    made = canvas(height)
    colours = colours_of(mark.family for panel in panels for mark in panel.marks)
    wide = (WIDTH - left - right - gap * (columns - 1)) / columns
    for number, panel in enumerate(panels):
        line, column = divmod(number, columns)
        x, y = left + column * (wide + gap), height - top - high - line * (high + between)
        axes = made.add_axes((x / WIDTH, y / height, wide / WIDTH, high / height))
        _draw(axes, panel, colours)
        if column == 0:
            axes.set_ylabel(_score_name(panel), size=MIDDLE, color=INK)
        if line < lines - 1:
            axes.set_xlabel("")
        if len(panels) > 1:
            axes.set_title(panel.title, size=MIDDLE, color=INK, loc="left", weight="bold", pad=4)
    heading = f"{title}, {panels[0].title}" if len(panels) == 1 else title
    made.text(
        0.1 / WIDTH, 1 - 0.1 / height, heading, size=LARGE, weight="bold", va="top", color=INK
    )
    key.write(made, colours)
    return made


def _score_name(panel: Panel) -> str:
    return "test accuracy, %" if panel.metric.higher_is_better else panel.metric.heading


def _draw(axes: Axes, panel: Panel, colours: dict[str, str]) -> None:
    """Draws one panel: points, floors, labels."""
    trained = [mark for mark in panel.marks if mark.core_minutes > 0]
    floors = [mark for mark in panel.marks if mark.core_minutes <= 0]
    bare(axes)
    scale_scores(axes, panel.metric, [score for mark in panel.marks for score in _scores(mark)])
    scale_minutes(axes, [mark.core_minutes for mark in trained])
    for mark in floors:
        axes.axhline(mark.mean, color=FAINT, linestyle=":", linewidth=1.2, zorder=1.5)
    for mark in sorted(trained, key=lambda one: one.verdict != "transductive"):
        _draw_mark(axes, mark, colours[mark.family])
    _label(axes, trained, floors)


def _scores(mark: Mark) -> list[float]:
    """Returns the scores that are within the panel, of a long interval a part."""
    high = min(mark.high, 1 - 0.5 * (1 - mark.mean)) if mark.mean < 1 else mark.mean
    return [mark.mean, mark.low, high, *([] if mark.published is None else [mark.published])]


def _draw_mark(axes: Axes, mark: Mark, colour: str) -> None:
    x = mark.core_minutes
    if mark.published is not None:
        axes.plot([x, x], [mark.mean, mark.published], color=colour, linewidth=0.7, zorder=2)
        axes.plot([x], [mark.published], marker="_", markersize=9, color=colour, zorder=2)
    axes.plot([x, x], [mark.low, mark.high], color=colour, linewidth=2.2, alpha=0.45, zorder=2.5)
    shape = "s" if mark.on_gpu else "o"
    places = {"xdata": [x], "ydata": [mark.mean], "label": mark.name, "zorder": 3}
    axes.add_line(dot_sign(colour, _FILL[mark.verdict], shape, **places))


def _label(axes: Axes, trained: Sequence[Mark], floors: Sequence[Mark]) -> None:
    """Writes the name of each mark near it, and those of floors on their lines."""
    dot, area = dots(axes), area_of(axes)
    taken = _name_floors(axes, floors, dot)
    for mark in floors:
        _, y = at(axes, (1.0, mark.mean))
        taken.append(Box(area.left, y, area.right, y).grown(dot))
    for mark in trained:
        taken += _covered(axes, mark, dot)
    points = [(mark.core_minutes, mark.mean) for mark in trained]
    write_names(axes, [mark.name for mark in trained], points, taken, area.grown(-2 * dot))


def _name_floors(axes: Axes, floors: Sequence[Mark], dot: float) -> list[Box]:
    """Writes the names of floors at the left, each on its line; beside one that is too near."""
    taken: list[Box] = []
    for mark in sorted(floors, key=lambda one: one.mean):
        text = axes.annotate(
            f"{mark.name} (not trained)",
            (0, mark.mean),
            xycoords=axes.get_yaxis_transform(),
            xytext=(3, 2),
            textcoords="offset points",
            size=SMALL,
            color=INK,
            va="bottom",
            path_effects=halo(),
        )
        while any(box_of(text).overlap(box) for box in taken):
            further = min(box.right for box in taken if box_of(text).overlap(box))
            text.xyann = ((further - area_of(axes).left) / dot + 6, 2)
        taken.append(box_of(text).grown(dot))
    return taken


def _covered(axes: Axes, mark: Mark, dot: float) -> list[Box]:
    """Returns what a mark covers: its marker, its interval, and the published number."""
    x, y = at(axes, (mark.core_minutes, mark.mean))
    boxes = [Box(x, y, x, y).grown((SIDE / 2 + 1) * dot)]
    for one, other in ((mark.low, mark.high), (mark.mean, mark.published)):
        if other is not None:
            low, high = sorted(at(axes, (mark.core_minutes, end))[1] for end in (one, other))
            boxes.append(Box(x, low, x, high).grown(1.5 * dot))
    if mark.published is not None:
        _, end = at(axes, (mark.core_minutes, mark.published))
        boxes.append(Box(x - 5 * dot, end - 1.5 * dot, x + 5 * dot, end + 1.5 * dot))
    return boxes


def _key(panels: Sequence[Panel]) -> Key:
    trained = [mark for panel in panels for mark in panel.marks if mark.core_minutes > 0]
    verdicts = {mark.verdict for mark in trained}
    meanings = [(dot_sign(INK, _FILL[v]), text) for v, text in _SETTINGS.items() if v in verdicts]
    if any(mark.on_gpu for mark in trained):
        meanings.append((dot_sign(INK, "full", "s"), "trained on a GPU: minutes of its host"))
    if any(mark.published is not None for mark in trained):
        tick = Line2D([], [], marker="_", markersize=9, color=INK, linestyle="none")
        meanings.append((tick, "published, same setting"))
    return Key(tuple(family_order(mark.family for mark in trained)), tuple(meanings))

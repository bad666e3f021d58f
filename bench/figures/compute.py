"""Accuracy against compute: each row at the minutes of a core that its training took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

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
from bench.figures.placing import Box, Label, place
from bench.figures.scale import scale_scores

_SIDE = 6.5
"""Of a marker, in points."""
_LEGEND = 0.58
"""Inches that the legend takes below."""
_Fill = Literal["full", "left", "none"]
_FILL: dict[Verdict, _Fill] = {
    "inductive": "full",
    "batch-dependent": "left",
    "transductive": "none",
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
    height = 5.6 if len(panels) == 1 else 0.9 + 4.4 * lines
    made = canvas(height)
    colours = colours_of(mark.family for panel in panels for mark in panel.marks)
    left, right, top, bottom = 0.62, 0.12, 0.42 if columns == 1 else 0.62, _LEGEND + 0.52
    gap, between = 0.55, 0.55
    wide = (WIDTH - left - right - gap * (columns - 1)) / columns
    high = (height - top - bottom - between * (lines - 1)) / lines
    for number, panel in enumerate(panels):
        line, column = divmod(number, columns)
        x, y = left + column * (wide + gap), height - top - high - line * (high + between)
        axes = made.add_axes((x / WIDTH, y / height, wide / WIDTH, high / height))
        _draw(axes, panel, colours)
        if column == 0:
            axes.set_ylabel(_score_name(panel), size=MIDDLE, color=INK)
        if line == lines - 1:
            axes.set_xlabel("core-minutes of training", size=MIDDLE, color=INK)
        if len(panels) > 1:
            axes.set_title(panel.title, size=MIDDLE, color=INK, loc="left", weight="bold", pad=4)
    heading = f"{title}, {panels[0].title}" if len(panels) == 1 else title
    made.text(0.1 / WIDTH, 1 - 0.1 / height, heading, size=LARGE, weight="bold", va="top")
    _legend(made, [mark for panel in panels for mark in panel.marks], colours)
    return made


def _score_name(panel: Panel) -> str:
    return "test accuracy, %" if panel.metric.higher_is_better else panel.metric.heading


def _draw(axes: Axes, panel: Panel, colours: dict[str, str]) -> None:
    """Draws one panel: points, floors, labels."""
    trained = [mark for mark in panel.marks if mark.core_minutes > 0]
    floors = [mark for mark in panel.marks if mark.core_minutes <= 0]
    bare(axes)
    scale_scores(axes, panel.metric, [score for mark in panel.marks for score in _scores(mark)])
    _scale_minutes(axes, [mark.core_minutes for mark in trained])
    for mark in floors:
        axes.axhline(mark.mean, color=FAINT, linestyle=":", linewidth=1.2, zorder=1.5)
    for mark in sorted(trained, key=lambda one: one.verdict != "transductive"):
        _draw_mark(axes, mark, colours[mark.family])
    _label(axes, trained, floors)


def _scores(mark: Mark) -> list[float]:
    return [mark.mean, *([mark.published] if mark.published is not None else [])]


def _scale_minutes(axes: Axes, minutes: Sequence[float]) -> None:
    axes.set_xscale("log")
    low, high = (min(minutes), max(minutes)) if minutes else (1.0, 10.0)
    room = max(high / low, 4.0) ** 0.12
    axes.set_xlim(low / room, high * room)
    steps = [each * 10.0**power for power in range(-3, 7) for each in (1, 2, 3, 5)]
    axes.set_xticks([step for step in steps if low / room <= step <= high * room])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.minorticks_off()


def _draw_mark(axes: Axes, mark: Mark, colour: str) -> None:
    x = mark.core_minutes
    if mark.published is not None:
        axes.plot([x, x], [mark.mean, mark.published], color=colour, linewidth=0.7, zorder=2)
        axes.plot([x], [mark.published], marker="_", markersize=9, color=colour, zorder=2)
    axes.plot([x, x], [mark.low, mark.high], color=colour, linewidth=2.2, alpha=0.45, zorder=2.5)
    axes.plot(
        [x],
        [mark.mean],
        marker="s" if mark.on_gpu else "o",
        markersize=_SIDE,
        fillstyle=_FILL[mark.verdict],
        color=colour,
        markeredgewidth=1.4,
        markerfacecoloralt="white",
        linestyle="none",
        label=mark.name,
        zorder=3,
    )


def _label(axes: Axes, trained: Sequence[Mark], floors: Sequence[Mark]) -> None:
    """Writes the name of each mark near it, and those of floors on their lines."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    dot = figure.dpi / 72
    bounds = Box(*axes.get_window_extent().extents).grown(-2 * dot)
    standing = [_floor_name(axes, mark) for mark in floors]
    taken = [_box(text).grown(dot) for text in standing]
    for mark in floors:
        y = axes.transData.transform((1.0, mark.mean))[1]
        taken.append(Box(bounds.left, y, bounds.right, y).grown(dot))
    drawn = [axes.text(0, 0, mark.name, size=SMALL, color=INK, zorder=4) for mark in trained]
    labels = []
    for mark, text in zip(trained, drawn, strict=True):
        x, y = axes.transData.transform((mark.core_minutes, mark.mean))
        size = _box(text)
        labels.append(Label(x, y, size.right - size.left, size.top - size.bottom))
        taken += _occupied(axes, mark, dot)
    places = place(labels, taken, bounds, dot)
    back = axes.transData.inverted()
    for label, text, box in zip(labels, drawn, places, strict=True):
        text.set_position(
            tuple(back.transform(((box.left + box.right) / 2, (box.bottom + box.top) / 2)))
        )
        text.set(ha="center", va="center")
        near = box.nearest(label.x, label.y)
        if math.dist(near, (label.x, label.y)) > 7 * dot:
            ends = back.transform([(label.x, label.y), near])
            axes.plot(ends[:, 0], ends[:, 1], color=FAINT, linewidth=0.6, zorder=1.8)


def _box(text: Text) -> Box:
    return Box(*text.get_window_extent().extents)


def _occupied(axes: Axes, mark: Mark, dot: float) -> list[Box]:
    """Returns what a mark covers: its marker, its interval, and the published number."""
    x, y = axes.transData.transform((mark.core_minutes, mark.mean))
    boxes = [Box(x, y, x, y).grown((_SIDE / 2 + 1) * dot)]
    for one, other in ((mark.low, mark.high), (mark.mean, mark.published)):
        if other is not None:
            ends = axes.transData.transform([(mark.core_minutes, one), (mark.core_minutes, other)])
            low, high = sorted(ends[:, 1])
            boxes.append(Box(x, low, x, high).grown(1.5 * dot))
    if mark.published is not None:
        end = axes.transData.transform((mark.core_minutes, mark.published))[1]
        boxes.append(Box(x - 5 * dot, end - 1.5 * dot, x + 5 * dot, end + 1.5 * dot))
    return boxes


def _floor_name(axes: Axes, mark: Mark) -> Text:
    return axes.annotate(
        f"{mark.name} (not trained)",
        (0, mark.mean),
        xycoords=axes.get_yaxis_transform(),
        xytext=(3, 2),
        textcoords="offset points",
        size=SMALL,
        color=INK,
        va="bottom",
    )


def _legend(made: Figure, marks: Sequence[Mark], colours: dict[str, str]) -> None:
    """Writes below the panels what colours and markers mean."""
    trained = [mark for mark in marks if mark.core_minutes > 0]
    families = family_order(mark.family for mark in trained)
    verdicts = {mark.verdict for mark in trained}
    meanings = [(_dot(INK, _FILL[v]), text) for v, text in _SETTINGS.items() if v in verdicts]
    if any(mark.on_gpu for mark in trained):
        meanings.append((_dot(INK, "full", "s"), "trained on a GPU: minutes of its host"))
    if any(mark.published is not None for mark in trained):
        tick = Line2D([], [], marker="_", markersize=9, color=INK, linestyle="none")
        meanings.append((tick, "published, same setting"))
    columns = min(3, math.ceil(len(families) / 3))
    colour_dots = [_dot(colours[family], "full") for family in families]
    _keys(made, 0.06, colour_dots, families, columns)
    _keys(made, 0.64, [line for line, _ in meanings], [text for _, text in meanings], 1)


def _dot(colour: str, fill: _Fill, shape: str = "o") -> Line2D:
    return Line2D(
        [],
        [],
        marker=shape,
        markersize=_SIDE,
        linestyle="none",
        color=colour,
        fillstyle=fill,
        markeredgewidth=1.4,
        markerfacecoloralt="white",
    )


def _keys(
    made: Figure, left: float, dots: Sequence[Line2D], names: Sequence[str], columns: int
) -> None:
    height = made.get_figheight()
    made.legend(
        dots,
        names,
        loc="upper left",
        bbox_to_anchor=(left, _LEGEND / height),
        ncols=columns,
        frameon=False,
        fontsize=SMALL,
        handletextpad=0.3,
        columnspacing=1.6,
        borderaxespad=0.0,
        borderpad=0.0,
        labelcolor=INK,
    )

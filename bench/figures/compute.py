"""Accuracy against compute: each row at the minutes of a core that its training took."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.figures.computepanel import FILL, JOINED, draw_panel, groups_of, trained_of
from bench.figures.key import Key, dot_sign
from bench.figures.look import (
    INK,
    LARGE,
    MIDDLE,
    WIDTH,
    canvas,
    colours_of,
    family_order,
)
from bench.figures.marks import Panel, Verdict
from bench.figures.scale import score_name

_SETTINGS: dict[Verdict, str] = {
    "inductive": "each query alone",
    "batch-dependent": "depends on the batch",
    "transductive": "queries together (measured)",
}
_MANY = 18
"""Names that a panel of half the width has room for; one with more has the whole."""
_LEFT, _RIGHT, _GAP, _BETWEEN = 0.62, 0.12, 0.55, 0.55
"""Inches beside panels, between those side by side, and between lines of them."""


def compute_figure(panels: Sequence[Panel], title: str) -> Figure:
    """Returns the figure: one panel in full, or two in a line but for those with many marks."""
    lines = _lines_of(panels)
    key, top = _key(panels), 0.42 if len(panels) == 1 else 0.62
    tall = [_height(line) for line in lines]
    height = top + sum(tall) + (len(lines) - 1) * _BETWEEN + key.height + 0.52
    made = canvas(height)
    colours = colours_of(mark.family for panel in panels for mark in panel.marks)
    y = height - top
    for number, (line, high) in enumerate(zip(lines, tall, strict=True)):
        y -= high
        for column, panel in enumerate(line):
            whole = WIDTH - _LEFT - _RIGHT
            wide = whole if _is_wide(panel, len(panels)) else (whole - _GAP) / 2
            x = _LEFT + column * (wide + _GAP)
            axes = made.add_axes((x / WIDTH, y / height, wide / WIDTH, high / height))
            draw_panel(axes, panel, colours)
            if column == 0:
                axes.set_ylabel(score_name(panel.metric, "test"), size=MIDDLE, color=INK)
            if any(column < _columns(below, len(panels)) for below in lines[number + 1 :]):
                axes.set_xlabel("")
            if len(panels) > 1:
                axes.set_title(
                    panel.title, size=MIDDLE, color=INK, loc="left", weight="bold", pad=4
                )
        y -= _BETWEEN
    heading = f"{title}, {panels[0].title}" if len(panels) == 1 else title
    made.text(
        0.1 / WIDTH, 1 - 0.1 / height, heading, size=LARGE, weight="bold", va="top", color=INK
    )
    key.write(made, colours)
    return made


def _is_wide(panel: Panel, panels: int) -> bool:
    return panels == 1 or len(groups_of(trained_of(panel))) > _MANY


def _lines_of(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Returns the panels of each line, in the order given."""
    lines: list[list[Panel]] = []
    for panel in panels:
        alone = _is_wide(panel, len(panels))
        if alone or not lines or _columns(lines[-1], len(panels)) == 2:
            lines.append([panel])
        else:
            lines[-1].append(panel)
    return lines


def _columns(line: Sequence[Panel], panels: int) -> int:
    """Returns how many columns a line takes."""
    return 2 if len(line) == 2 or _is_wide(line[0], panels) else 1


def _height(line: Sequence[Panel]) -> float:
    """Returns the inches of a line's panels: more for more names."""
    most = max(len(groups_of(trained_of(panel))) for panel in line)
    return max(3.8 if len(line) == 2 else 4.2, 2.6 + 0.1 * most)


def _key(panels: Sequence[Panel]) -> Key:
    trained = [mark for panel in panels for mark in trained_of(panel)]
    verdicts = {mark.verdict for mark in trained}
    meanings = [(dot_sign(INK, FILL[v]), text) for v, text in _SETTINGS.items() if v in verdicts]
    if any(len(group) > 1 for panel in panels for group in groups_of(trained_of(panel))):
        meanings.append((Line2D([], [], color=INK, linewidth=JOINED), "marks of one training"))
    if any(mark.on_gpu for mark in trained):
        meanings.append((dot_sign(INK, "full", "s"), "trained on a GPU: minutes of its host"))
    if any(mark.published is not None for mark in trained):
        tick = Line2D([], [], marker="_", markersize=9, color=INK, linestyle="none")
        meanings.append((tick, "published, setting same or unclear"))
    return Key(tuple(family_order(mark.family for mark in trained)), tuple(meanings))

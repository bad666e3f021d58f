"""One panel of accuracy against compute: its marks, what joins them, and their names."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from bench.figures.boxes import Box
from bench.figures.floors import Floors
from bench.figures.key import SIDE, Fill, dot_sign
from bench.figures.labels import Named, area_of, at, dots, write_names
from bench.figures.look import bare
from bench.figures.marks import Mark, Panel, Verdict
from bench.figures.scale import scale_minutes, scale_scores

FILL: dict[Verdict, Fill] = {
    "inductive": "full",
    "batch-dependent": "left",
    "transductive": "hollow",
}
_LEAST_RATIO = 4.0
"""Of the most errors in a panel to the fewest."""
JOINED = 1.6
"""Points of the line between marks of one training."""


def trained_of(panel: Panel) -> list[Mark]:
    """Returns the marks that took training."""
    return [mark for mark in panel.marks if mark.core_minutes > 0]


def groups_of(marks: Sequence[Mark]) -> list[list[Mark]]:
    """Returns marks by name: those that share it are of one training, tested in several ways."""
    found: dict[str, list[Mark]] = {}
    for mark in sorted(marks, key=lambda one: one.mean):
        found.setdefault(mark.name, []).append(mark)
    return [found[name] for name in dict.fromkeys(mark.name for mark in marks)]


def draw_panel(axes: Axes, panel: Panel, colours: dict[str, str]) -> None:
    """Draws one panel: points, floors, names."""
    trained = trained_of(panel)
    bare(axes)
    scores = [score for mark in trained for score in _scores(mark, panel)]
    scores += _far_enough(scores, panel)
    floors = Floors.of([mark for mark in panel.marks if mark not in trained], scores, panel.metric)
    scores += [mark.mean for mark in floors.within]
    scale_scores(axes, panel.metric, scores, below=floors.room(axes))
    scale_minutes(axes, [mark.core_minutes for mark in trained])
    for group in groups_of(trained):
        if len(group) > 1:
            places = ([mark.core_minutes for mark in group], [mark.mean for mark in group])
            axes.plot(*places, color=colours[group[0].family], linewidth=JOINED, zorder=2.2)
    for mark in sorted(trained, key=lambda one: one.verdict != "transductive"):
        _draw_mark(axes, mark, colours[mark.family])
    dot, area = dots(axes), area_of(axes)
    markers = [_marker(axes, mark, dot) for mark in trained]
    taken = [*markers, *floors.write(axes, markers)]
    light = [box for group in groups_of(trained) for box in _lines(axes, group, dot)]
    names = [
        Named(
            group[0].name,
            tuple((mark.core_minutes, mark.mean) for mark in group),
            colours[group[0].family],
        )
        for group in groups_of(trained)
    ]
    write_names(axes, names, taken, area.grown(-2 * dot), light)


def _scores(mark: Mark, panel: Panel) -> list[float]:
    """Returns the scores that are within the panel, of a long interval a part."""
    ends = [mark.low, mark.high]
    if panel.metric.higher_is_better and mark.mean < 1:
        ends[1] = min(mark.high, 1 - 0.5 * (1 - mark.mean))
    known = [mark.mean, *ends, *([] if mark.published is None else [mark.published])]
    return [score for score in known if panel.metric.higher_is_better or score > 0]


def _far_enough(scores: Sequence[float], panel: Panel) -> list[float]:
    """Returns a score with so many errors that a small difference does not look large."""
    if not scores:
        return []
    if panel.metric.higher_is_better:
        return [max(1 - _LEAST_RATIO * (1 - max(scores)), 0.0)]
    return [_LEAST_RATIO * min(scores)]


def _draw_mark(axes: Axes, mark: Mark, colour: str) -> None:
    x = mark.core_minutes
    if mark.published is not None:
        axes.plot([x, x], [mark.mean, mark.published], color=colour, linewidth=0.7, zorder=2)
        axes.plot([x], [mark.published], marker="_", markersize=9, color=colour, zorder=2)
    axes.plot([x, x], [mark.low, mark.high], color=colour, linewidth=2.2, alpha=0.45, zorder=2.5)
    bottom, top = axes.get_ylim()
    for end in (mark.low, mark.high):
        if not min(bottom, top) <= end <= max(bottom, top):
            is_up = (end > max(bottom, top)) == (top > bottom)
            shape, edge = ("^", top) if is_up else ("v", bottom)
            cut = axes.plot([x], [edge], marker=shape, markersize=5, color=colour, zorder=2.5)
            cut[0].set(clip_on=False, linestyle="none", label="cut")
    shape = "s" if mark.on_gpu else "o"
    places = {"xdata": [x], "ydata": [mark.mean], "label": mark.name, "zorder": 3}
    axes.add_line(dot_sign(colour, FILL[mark.verdict], shape, **places))


def _marker(axes: Axes, mark: Mark, dot: float) -> Box:
    """Returns what the marker of a mark covers."""
    x, y = at(axes, (mark.core_minutes, mark.mean))
    return Box(x, y, x, y).grown((SIDE / 2 + 1) * dot)


def _lines(axes: Axes, group: Sequence[Mark], dot: float) -> list[Box]:
    """Returns what intervals, published numbers and the line between marks cover, in pieces."""
    ends = [(mark, mark.low, mark.high) for mark in group]
    ends += [(mark, mark.mean, mark.published) for mark in group if mark.published is not None]
    if group[0].core_minutes == group[-1].core_minutes:
        ends.append((group[0], group[0].mean, group[-1].mean))
    boxes = []
    for mark, one, other in ends:
        (x, y), (_, z) = (at(axes, (mark.core_minutes, end)) for end in (one, other))
        boxes.append(Box(x, min(y, z), x, max(y, z)).grown(1.5 * dot))
    for mark in group:
        if mark.published is not None:
            x, y = at(axes, (mark.core_minutes, mark.published))
            boxes.append(
                Box(x, y, x, y).grown(1.5 * dot)._replace(left=x - 5 * dot, right=x + 5 * dot)
            )
    return boxes

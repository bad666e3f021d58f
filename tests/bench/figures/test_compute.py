"""Accuracy against compute: every mark stands where its figures are, and none is covered."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from bench.figures.compute import compute_figure
from bench.figures.labels import box_of
from bench.figures.look import INK, SMALL, colours_of, png
from bench.figures.marks import Mark, Panel
from bench.tasks import ACCURACY
from tests.bench.figures.wholetable import whole_panel

PROTONET = Mark("protonet", "metric", 30.0, 0.98, 0.978, 0.982, "inductive", published=0.988)
MAML = Mark("maml", "optimisation", 300.0, 0.95, 0.94, 0.96, "transductive")
BATCH = Mark("relationnet", "metric", 90.0, 0.97, 0.96, 0.98, "batch-dependent", on_gpu=True)
FLOOR = Mark("pixels", "floor", 0.0, 0.93, 0.92, 0.94, "inductive")
FAR = Mark("chance", "floor", 0.0, 0.2, 0.19, 0.21, "inductive")
MARKS = (PROTONET, MAML, BATCH, FLOOR)


def panel(*marks: Mark, title: str = "5-way 1-shot") -> Panel:
    return Panel(title, ACCURACY, marks)


def crowd(count: int, seed: int = 0) -> tuple[Mark, ...]:
    """As many marks as a whole table has, near one another."""
    rng = np.random.default_rng(seed)
    families = ("metric", "optimisation", "memory", "transfer")
    verdicts = ("inductive", "transductive")
    found = []
    for number in range(count):
        mean = 1 - 0.3 * rng.uniform(0.03, 0.5) ** 1.5
        name, minutes = f"method-{number}", 10.0 ** rng.uniform(0, 3)
        width = 0.1 * (1 - mean)
        found.append(
            Mark(
                name,
                families[number % 4],
                minutes,
                mean,
                mean - width,
                mean + width,
                "inductive" if verdicts[number % 2] == "inductive" else "transductive",
                published=0.99 if number % 6 == 0 else None,
            )
        )
    return tuple(found)


def axes_of(made: Figure) -> Axes:
    (axes,) = made.axes
    return axes


def marker(axes: Axes, name: str) -> Line2D:
    (line,) = (one for one in axes.lines if one.get_label() == name)
    return line


def points(line: Line2D) -> list[list[float]]:
    return [[float(x), float(y)] for x, y in np.asarray(line.get_xydata())]


def test_a_mark_stands_at_its_minutes_and_its_accuracy_in_its_familys_colour() -> None:
    axes = axes_of(compute_figure([panel(*MARKS)], "A title"))
    colours = colours_of(mark.family for mark in MARKS)
    for mark in (PROTONET, MAML, BATCH):
        line = marker(axes, mark.name)
        assert points(line) == [[mark.core_minutes, mark.mean]]
        assert line.get_markeredgecolor() == colours[mark.family]
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "core-minutes of training"
    assert axes.get_ylabel() == "test accuracy, % (log scale of errors)"


def test_hollow_is_transductive_half_is_by_batch_and_square_is_a_gpu() -> None:
    axes = axes_of(compute_figure([panel(*MARKS)], ""))
    full, hollow, half = (marker(axes, m.name) for m in (PROTONET, MAML, BATCH))
    assert full.get_markerfacecolor() == full.get_color()
    assert hollow.get_markerfacecolor() == "white"
    assert (half.get_fillstyle(), half.get_markerfacecoloralt()) == ("left", "white")
    assert [one.get_marker() for one in (full, hollow, half)] == ["o", "o", "s"]


def test_intervals_and_published_numbers_are_drawn_at_the_same_minutes() -> None:
    axes = axes_of(compute_figure([panel(*MARKS)], ""))
    drawn = [points(line) for line in axes.lines]
    assert [[30.0, 0.978], [30.0, 0.982]] in drawn
    assert [[30.0, 0.98], [30.0, 0.988]] in drawn  # from ours to the published number
    assert [[30.0, 0.988]] in drawn
    at_maml = [line for line in drawn if all(x == 300.0 for x, _ in line)]
    assert sorted(at_maml) == [[[300.0, 0.94], [300.0, 0.96]], [[300.0, 0.95]]]


def test_what_was_not_trained_is_a_dotted_line_across() -> None:
    axes = axes_of(compute_figure([panel(*MARKS)], ""))
    (line,) = (one for one in axes.lines if one.get_linestyle() == ":")
    assert [*np.asarray(line.get_ydata())] == [0.93, 0.93]
    assert [*np.asarray(line.get_xdata())] == [0, 1]  # of the axes' width
    assert "pixels (not trained)" in {text.get_text() for text in axes.texts}


def test_what_is_far_below_is_written_and_leaves_the_room_to_the_others() -> None:
    axes = axes_of(compute_figure([panel(*MARKS, FAR)], ""))
    assert "\N{DOWNWARDS ARROW} not trained: chance 20.00%" in {t.get_text() for t in axes.texts}
    assert axes.get_ylim()[0] > 0.85


def test_a_small_difference_does_not_fill_the_panel() -> None:
    near = replace(PROTONET, name="other", core_minutes=20.0, mean=0.982, high=0.984)
    axes = axes_of(compute_figure([panel(PROTONET, near)], ""))
    assert axes.get_ylim()[0] < 1 - 4 * (1 - 0.988)


def test_where_nothing_was_trained_all_floors_are_lines() -> None:
    axes = axes_of(compute_figure([panel(FLOOR, FAR)], ""))
    assert sorted(float(np.asarray(one.get_ydata())[0]) for one in axes.lines) == [0.2, 0.93]


@pytest.mark.parametrize("means", [(0.5, 0.6, 0.1), (0.9, 0.905, 0.8), (0.44, 0.46, 0.5)])
def test_no_line_of_a_floor_runs_through_the_name_of_another(means: tuple[float, ...]) -> None:
    floors = [replace(FLOOR, name=f"floor {mean}", mean=mean) for mean in means]
    made = compute_figure([panel(*floors)] * 2, "")
    for axes in made.axes:
        heights = [axes.transData.transform((1, mean))[1] for mean in means]
        names = [box_of(text) for text in axes.texts]
        assert len(names) == 3
        assert not any(box.bottom < y < box.top for box in names for y in heights)


def test_two_marks_of_one_training_are_joined_and_share_a_name() -> None:
    alone = replace(MAML, mean=0.93, low=0.92, high=0.94, verdict="inductive")
    axes = axes_of(compute_figure([panel(MAML, alone, PROTONET)], ""))
    assert sorted(text.get_text() for text in axes.texts) == ["maml", "protonet"]
    assert [[300.0, 0.93], [300.0, 0.95]] in [points(line) for line in axes.lines]
    made = compute_figure([panel(MAML, alone)], "")
    words = {text.get_text() for legend in made.legends for text in legend.get_texts()}
    assert "marks of one training" in words


def test_an_interval_that_is_cut_ends_in_an_arrow_at_the_edge() -> None:
    wide = replace(PROTONET, high=0.9999, published=None)
    axes = axes_of(compute_figure([panel(wide, MAML)], ""))
    (arrow,) = (one for one in axes.lines if one.get_marker() == "^")
    assert points(arrow) == [[30.0, pytest.approx(axes.get_ylim()[1])]]
    whole = axes_of(compute_figure([panel(*MARKS)], ""))
    assert not any(one.get_marker() in ("^", "v") for one in whole.lines)


def test_a_panel_with_many_names_has_the_whole_width_and_is_higher() -> None:
    panels = [whole_panel(), *(whole_panel(f"test {n}", 20) for n in range(3))]
    made = compute_figure(panels, "")
    first, second, third, fourth = (axes.get_position() for axes in made.axes)
    assert first.width > 1.9 * second.width
    assert first.height > second.height
    assert (second.y0, fourth.x0) == (pytest.approx(third.y0), pytest.approx(second.x0))
    assert [bool(axes.get_xlabel()) for axes in made.axes] == [False, False, True, True]


@pytest.mark.parametrize("count", [1, 2])
def test_of_a_whole_suite_each_name_is_clear_of_marks_and_of_names(count: int) -> None:
    made = compute_figure([whole_panel("one", 36 if count == 1 else 20)] * count, "")
    axes = made.axes[0]
    names = [box_of(text) for text in axes.texts]
    trained = whole_panel("one", 36 if count == 1 else 20).marks[3:]
    words = {text.get_text() for text in axes.texts}
    assert {mark.name for mark in trained} <= words
    places = axes.transData.transform([(mark.core_minutes, mark.mean) for mark in trained])
    for one, other in itertools.combinations(names, 2):
        assert one.overlap(other) < 1e-6
    for left, bottom, right, top in names:
        assert axes.bbox.x0 <= left < right <= axes.bbox.x1
        assert not any(left < x < right and bottom < y < top for x, y in places)


def test_floors_of_the_same_height_have_their_names_apart() -> None:
    floors = (FLOOR, replace(FLOOR, name="chance", mean=0.929), replace(FLOOR, name="third"))
    made = compute_figure([panel(*MARKS[:3], *floors)], "")
    made.canvas.draw()
    names = [text for text in axes_of(made).texts if text.get_text().endswith("(not trained)")]
    assert len(names) == 3
    for one, other in itertools.combinations(names, 2):
        assert box_of(one).overlap(box_of(other)) == 0


def test_the_key_explains_what_is_there_and_nothing_else() -> None:
    def words(*marks: Mark) -> set[str]:
        made = compute_figure([panel(*marks)], "")
        return {text.get_text() for legend in made.legends for text in legend.get_texts()}

    assert words(MAML, FLOOR) == {"optimisation", "queries together (measured)"}
    assert words(*MARKS) == {
        *("metric", "optimisation", "each query alone", "depends on the batch"),
        *("queries together (measured)", "trained on a GPU: minutes of its host"),
        "published, setting same or unclear",
    }


def test_of_several_sizes_each_has_a_panel_in_the_order_given() -> None:
    panels = [panel(*MARKS, title=title) for title in ("5-way 1-shot", "20-way 1-shot", "more")]
    made = compute_figure(panels, "A title")
    assert [axes.get_title(loc="left") for axes in made.axes] == [p.title for p in panels]
    boxes = [axes.get_position() for axes in made.axes]
    assert boxes[0].x1 < boxes[1].x0
    assert boxes[2].y1 < boxes[0].y0
    assert boxes[0].x0 == pytest.approx(boxes[2].x0)


@pytest.mark.parametrize("seed", range(3))
def test_among_25_rows_no_name_covers_a_mark_or_a_name_and_none_is_cut(seed: int) -> None:
    marks = crowd(25, seed)
    made = compute_figure([panel(*marks, FLOOR)], "")
    axes = axes_of(made)
    names = [box_of(text) for text in axes.texts]
    assert len(names) == 26
    for one, other in itertools.combinations(names, 2):
        assert one.overlap(other) < 1e-6
    places = axes.transData.transform([(mark.core_minutes, mark.mean) for mark in marks])
    for left, bottom, right, top in names:
        assert left >= axes.bbox.x0
        assert right <= axes.bbox.x1
        assert not any(left < x < right and bottom < y < top for x, y in places)


def test_all_letters_are_at_least_eleven_pixels_high_in_a_readme() -> None:
    made = compute_figure([panel(*crowd(9)), panel(*MARKS)], "A title")
    texts = [one for one in made.findobj(Text) if isinstance(one, Text) and one.get_text()]
    assert len(texts) > 20
    shown = 830 / made.bbox.width * made.dpi / 72  # pixels of a README per point of type
    smallest = min(float(text.get_fontsize()) for text in texts)
    assert smallest * shown >= 11
    assert smallest == SMALL
    assert made.texts[0].get_color() == INK


def test_two_drawings_are_the_same_bytes_and_small_enough_for_a_readme() -> None:
    panels = [panel(*crowd(25, seed), FLOOR) for seed in range(4)]
    first, second = (png(lambda: compute_figure(panels, "A title"), "x") for _ in range(2))
    assert first == second
    assert len(first) < 200_000
    assert Image.open(io.BytesIO(first)).width == 1660

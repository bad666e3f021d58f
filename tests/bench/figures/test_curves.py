"""Learning curves: each look stands at its minutes, seeds thin and their mean bold."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bench.figures.courses import Course
from bench.figures.curves import curves_figure
from bench.figures.labels import box_of
from bench.figures.look import colours_of, png
from bench.measurements import CurvePoint
from bench.tasks import ACCURACY
from tests.bench.figures.wholetable import whole_courses


def looks(*scores: float | None, minutes: float = 2.0) -> tuple[CurvePoint, ...]:
    """A look each so many minutes; the training loss is 1, 1/2, 1/3, ..."""
    return tuple(
        CurvePoint(10 * n, 0.0, 60.0 * minutes * n, 1 / n, score)
        for n, score in enumerate(scores, 1)
    )


SEEDS = Course("protonet", "metric", ACCURACY, (looks(0.8, 0.9), looks(0.9, 0.96, minutes=4.0)))
ALONE = Course("maml", "optimisation", ACCURACY, (looks(0.7, 0.85, 0.9),))
UNSEEN = Course("protonet all", "metric", ACCURACY, (looks(None, None, None),))


def line(axes: Axes, name: str) -> Line2D:
    (found,) = (one for one in axes.lines if one.get_label() == name)
    return found


def xy(one: Line2D) -> list[list[float]]:
    return [[round(float(x), 9), round(float(y), 9)] for x, y in np.asarray(one.get_xydata())]


def test_the_mean_is_bold_and_seeds_are_thin_at_their_core_minutes() -> None:
    (axes,) = curves_figure([SEEDS, ALONE], "A title").axes
    mean = line(axes, "protonet")
    assert xy(mean) == [[3.0, 0.85], [6.0, 0.93]]
    thin = [one for one in axes.lines if xy(one) in ([[2, 0.8], [4, 0.9]], [[4, 0.9], [8, 0.96]])]
    assert len(thin) == 2
    assert all(one.get_linewidth() < mean.get_linewidth() / 2 for one in thin)
    assert {one.get_color() for one in (mean, *thin)} == {colours_of(["metric"])["metric"]}
    assert axes.get_ylabel() == "validation accuracy, % (log scale of errors)"
    assert axes.get_xlabel() == "core-minutes of training"


def test_a_single_seed_is_drawn_once() -> None:
    (axes,) = curves_figure([ALONE], "").axes
    assert [xy(one) for one in axes.lines if len(xy(one)) == 3] == [
        [[2.0, 0.7], [4.0, 0.85], [6.0, 0.9]]
    ]


def test_what_was_not_validated_has_a_panel_of_its_training_loss() -> None:
    scores, losses = curves_figure([SEEDS, UNSEEN], "").axes
    assert xy(line(losses, "protonet all")) == [
        [2.0, 1.0],
        [4.0, 0.5],
        [6.0, pytest.approx(1 / 3, abs=1e-8)],
    ]
    assert "protonet all" not in {one.get_label() for one in scores.lines}
    assert losses.get_ylabel() == "training loss"
    assert "validation classes" in losses.get_title(loc="left")
    assert losses.get_xlim() == scores.get_xlim()


def test_of_each_course_all_but_its_beginning_is_seen() -> None:
    fast = Course("protonet", "metric", ACCURACY, (looks(*(0.97 + n / 2000 for n in range(40))),))
    slow = Course(
        "reptile", "optimisation", ACCURACY, (looks(0.2, *(0.5 + n / 50 for n in range(19))),)
    )
    (axes,) = curves_figure([fast, slow], "").axes
    low, high = axes.get_ylim()
    seen = [low <= y <= high for _, y in xy(line(axes, "reptile"))]
    assert seen == sorted(seen) and sum(seen) >= 18 and not seen[0]
    assert all(low <= y <= high for _, y in xy(line(axes, "protonet")))


def test_only_losses_are_one_panel() -> None:
    (axes,) = curves_figure([UNSEEN], "").axes
    assert axes.get_ylabel() == "training loss"


def test_trainings_of_one_family_have_lines_of_their_own_kind() -> None:
    courses = [Course(f"m{n}", "metric", ACCURACY, (looks(0.5, 0.6),)) for n in range(4)]
    (axes,) = curves_figure(courses, "").axes
    kinds = [line(axes, course.name).get_linestyle() for course in courses]
    assert len({str(kind) for kind in kinds}) == 4


def test_the_key_says_that_lines_are_named_at_their_ends_and_what_dashes_are() -> None:
    def words(*courses: Course) -> set[str]:
        made = curves_figure(courses, "")
        return {text.get_text() for legend in made.legends for text in legend.get_texts()}

    assert words(ALONE) == {"optimisation", "a training, named at its end"}
    assert words(SEEDS, UNSEEN) == {
        *("metric", "a training (mean of its seeds), named at its end", "a seed"),
        "another of the same family",
    }


def test_of_a_whole_suite_no_name_lies_on_another_or_on_an_end() -> None:
    courses = whole_courses()
    (axes,) = curves_figure(courses, "").axes
    names = [box_of(text) for text in axes.texts]
    assert len(names) == len(courses) == 30
    for one, other in itertools.combinations(names, 2):
        assert one.overlap(other) < 1e-6
    ends = [axes.transData.transform(xy(line(axes, course.name))[-1]) for course in courses]
    for left, bottom, right, top in names:
        assert not any(left < x < right and bottom < y < top for x, y in ends)


def test_every_name_is_near_its_end_and_within_the_picture() -> None:
    made = curves_figure([SEEDS, ALONE, UNSEEN], "")
    for axes in made.axes:
        for text in axes.texts:
            box, end = box_of(text), axes.transData.transform(xy(line(axes, text.get_text()))[-1])
            assert np.hypot(*(np.array(box.nearest(*end)) - end)) < 30 * made.dpi / 72
            assert 0 <= box.left < box.right <= made.bbox.width


def test_a_look_before_any_time_was_spent_has_no_place() -> None:
    early = CurvePoint(0, 0.0, 0.0, 1.0, 0.2)
    (axes,) = curves_figure(
        [Course("a", "metric", ACCURACY, ((early, *looks(0.5, 0.6)),))], ""
    ).axes
    assert xy(line(axes, "a")) == [[2.0, 0.5], [4.0, 0.6]]


def test_two_drawings_are_the_same_bytes() -> None:
    first, second = (png(lambda: curves_figure([SEEDS, UNSEEN], "t"), "x") for _ in range(2))
    assert first == second

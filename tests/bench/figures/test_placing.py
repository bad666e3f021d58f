"""Placing: labels cover neither points nor one another where there is room."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from bench.figures.boxes import Box, crossings, leaders, on_lines, rows
from bench.figures.hindrance import Label
from bench.figures.placing import place

BOUNDS = Box(0, 0, 400, 300)


def test_a_label_that_is_alone_stands_beside_its_point() -> None:
    dot = Box(200, 150, 200, 150).grown(4)
    (box,) = place([Label(200, 150, 60, 10)], [dot], BOUNDS)
    assert box.overlap(dot) == pytest.approx(0)
    assert math.dist(box.nearest(200, 150), (200, 150)) < 8
    assert (box.right - box.left, box.top - box.bottom) == pytest.approx((60, 10))


def test_a_label_at_the_edge_stays_within_bounds() -> None:
    (box,) = place([Label(395, 295, 60, 10)], [], BOUNDS)
    assert box.right <= 400
    assert box.top <= 300


@pytest.mark.parametrize("seed", range(4))
def test_labels_of_scattered_points_touch_no_point_and_no_other_label(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform((20, 20), (380, 280), (15, 2))
    labels = [Label(x, y, 50, 10) for x, y in points]
    taken = [Box(x, y, x, y).grown(4) for x, y in points]
    boxes = place(labels, taken, BOUNDS)
    for one, other in itertools.combinations(boxes, 2):
        assert one.overlap(other) == pytest.approx(0)
    for box in boxes:
        assert all(box.overlap(dot) == pytest.approx(0) for dot in taken)
        assert box.overlap(BOUNDS) == pytest.approx(500)


def test_labels_go_around_what_is_taken() -> None:
    blocked = Box(201, 100, 400, 200)
    (box,) = place([Label(200, 150, 60, 10)], [blocked], BOUNDS)
    assert box.overlap(blocked) == 0


def test_what_is_light_is_covered_only_if_need_be() -> None:
    right = Box(201, 140, 400, 160)
    (free,) = place([Label(200, 150, 60, 10)], [], BOUNDS, light=[right])
    assert free.overlap(right) == 0
    left, above, below = Box(0, 0, 199, 300), Box(0, 161, 400, 300), Box(0, 0, 400, 139)
    (only,) = place([Label(200, 150, 60, 10)], [left, above, below], BOUNDS, light=[right])
    assert only.overlap(right) > 0


def test_the_same_labels_are_placed_alike() -> None:
    labels = [Label(200 + 3 * n, 150, 40, 10) for n in range(8)]
    assert place(labels, [], BOUNDS) == place(labels, [], BOUNDS)


def test_a_box_knows_its_nearest_place() -> None:
    assert Box(0, 0, 10, 10).nearest(20, 5) == (10, 5)
    assert Box(0, 0, 10, 10).nearest(5, 5) == (5, 5)


def test_no_labels_need_no_places() -> None:
    assert place([], [Box(0, 0, 1, 1)], BOUNDS) == []


def test_a_label_of_two_points_may_stand_between_them() -> None:
    taken = [Box(200, y, 200, y).grown(40) for y in (50, 250)]
    (box,) = place([Label(200, 50, 60, 10, ((200, 250),))], taken, BOUNDS)
    assert math.dist(box.nearest(200, 150), (200, 150)) < 8


def test_lines_to_labels_neither_cross_nor_run_through_labels() -> None:
    labels = [Label(200 + x, 150 + y, 50, 10) for x in (0, 5, 10) for y in (0, 5, 10)]
    taken = [Box(one.x, one.y, one.x, one.y).grown(2) for one in labels]
    boxes = place(labels, taken, BOUNDS)
    lines = np.concatenate(
        [leaders(rows([box]), one.anchors) for one, box in zip(labels, boxes, strict=True)]
    )
    assert not crossings(lines, lines).any()
    through = on_lines(lines, rows([box.grown(-1) for box in boxes]))
    assert not (through & ~np.eye(len(labels), dtype=bool)).any()


def test_lines_know_what_they_go_through_and_cross() -> None:
    across = np.array([[[0.0, 5.0], [10.0, 5.0]]])
    boxes = rows([Box(4, 4, 6, 6), Box(4, 6, 6, 8), Box(11, 4, 12, 6)])
    assert on_lines(across, boxes).tolist() == [[True, False, False]]
    others = np.array([[[5.0, 0.0], [5.0, 10.0]], [[5.0, 6.0], [5.0, 10.0]]])
    assert crossings(across, others).tolist() == [[True, False]]

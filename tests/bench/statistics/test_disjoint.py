"""Over images: which tasks are chosen, and the interval over them, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.episodelist import EpisodeList
from bench.statistics.disjoint import ORDERS, disjoint_choices, over_images, share_nothing
from bench.tasks import ACCURACY
from tests.bench.statistics.population import Population, TestSet


def pairs(*rows: tuple[int, int], classes: list[int] | None = None) -> EpisodeList:
    """Episodes of one way: a support row, a query row."""
    support, query = np.array(rows).T
    ones = np.ones(len(rows), np.int64)
    return EpisodeList(
        *(ones, ones, ones, np.array(classes or range(len(rows)))),
        *(support, 0 * ones, query, 0 * ones),
    )


def test_chosen_tasks_share_no_image_and_no_other_could_be_added() -> None:
    rng = np.random.default_rng(0)
    images = np.stack([rng.choice(60, 5, replace=False) for _ in range(80)])
    images[::3, 4] = -1  # shorter ones
    chosen = disjoint_choices(images, np.random.default_rng(1))
    assert chosen.shape == (ORDERS, 80)
    for row in chosen:
        used = [image for task in images[row] for image in task if image >= 0]
        assert len(used) == len(set(used))
        for task in images[~row]:
            assert set(task[task >= 0]) & set(used)
    assert len({row.tobytes() for row in chosen}) > 1


def test_two_groups_of_alternatives_give_the_half_width_of_two_tasks() -> None:
    # Episodes 0 and 1 share row 0, 2 and 3 share row 9: every choice is one of each couple.
    episodes = pairs((0, 1), (0, 2), (9, 8), (7, 9))
    record = over_images(np.array([0.4, 0.4, 0.5, 0.5]), episodes, ACCURACY)
    assert record is not None
    # s = 0.1 / sqrt(2), so t(0.975, 1) * s / sqrt(2) = 12.706205 * 0.05 = 0.63531, cut at 0
    assert record.n == 2
    assert record.low == 0.0
    assert record.high == pytest.approx(min(1.0, 0.45 + 0.6353102), abs=1e-6)


def test_the_half_width_is_the_mean_over_choices_around_the_mean_of_all() -> None:
    # Whatever is chosen has one of episodes 0 and 1, and all of the others.
    episodes = pairs((0, 1), (0, 2), *((10 * i, 10 * i + 1) for i in range(1, 9)))
    scores = np.array([0.5, 0.7, 0.5, 0.6, 0.5, 0.6, 0.5, 0.6, 0.5, 0.6])
    record = over_images(scores, episodes, ACCURACY)
    assert record is not None
    widths = [
        2.306004 * np.delete(scores, left).std(ddof=1) / math.sqrt(9)  # t(0.975, 8)
        for left in (0, 1)
    ]
    assert record.n == 9
    assert (record.low + record.high) / 2 == pytest.approx(scores.mean(), abs=1e-12)
    assert min(widths) < record.half_width < max(widths)


def test_tasks_that_all_share_an_image_give_no_interval() -> None:
    assert over_images(np.array([0.1, 0.2]), pairs((0, 1), (0, 2)), ACCURACY) is None


def test_support_and_query_count_alike_as_images() -> None:
    assert share_nothing(pairs((0, 1), (2, 3)))
    assert not share_nothing(pairs((0, 1), (2, 0)))


def test_rotations_of_one_character_are_the_same_images() -> None:
    episodes = pairs((0, 1), (20, 21), (40, 41), classes=[0, 1, 2])
    assert share_nothing(episodes, bases=np.array([0, 1, 2]))
    assert not share_nothing(episodes, bases=np.array([5, 5, 6]))


def test_an_episode_in_which_no_class_occurs_twice_is_disjoint() -> None:
    world = TestSet(Population(), np.random.default_rng(0), classes=20, images=4)
    assert share_nothing(world.test_disjoint(ways=5, queries=2).episodes)
    assert not share_nothing(world.test(20, ways=5, queries=2).episodes)

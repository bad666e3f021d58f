"""Consistency of episode lists: each contradiction is found, in the first episode that has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.consistency import check_episodes
from bench.episodelist import EpisodeList
from bench.errors import BenchError

IMAGES, CLASSES = np.arange(20), np.arange(20) // 4


def listed(*values: int) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


GOOD = EpisodeList(
    ways=listed(2, 3),
    supports=listed(2, 3),
    queries=listed(1, 2),
    classes=listed(1, 0, 2, 3, 4),
    support=listed(0, 4, 8, 12, 16),
    support_labels=listed(1, 0, 0, 1, 2),
    query=listed(5, 9, 17),
    query_labels=listed(0, 0, 2),
)


def test_a_list_of_uneven_episodes_is_in_order() -> None:
    check_episodes(GOOD, IMAGES, CLASSES)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"ways": listed(2)}, "of different numbers"),
        ({"ways": listed(2, 4)}, "longer or shorter"),
        ({"queries": listed(0, 3)}, "no class, no support or no query"),
        ({"support": listed(0, 4, 8, 12)}, "longer or shorter"),
        ({"query_labels": listed(2, 0, 2)}, "episode 0 has a label that is none of its ways"),
        ({"query_labels": listed(0, 0, -1)}, "episode 1 has a label that is none of its ways"),
        ({"query_labels": listed(1, 0, 2)}, "episode 0 has an image under a label of another"),
        ({"support": listed(0, 4, 8, 12, 20)}, "episode 1 has an image that is not listed"),
        ({"query": listed(4, 9, 17)}, "episode 0 has the same image twice"),
        ({"query": listed(5, 9, 16)}, "episode 1 has the same image twice"),
        ({"classes": listed(1, 0, 2, 3, 3)}, "episode 1 has an image under a label of another"),
    ],
)
def test_each_contradiction_is_named(change: dict[str, NDArray[np.int64]], what: str) -> None:
    with pytest.raises(BenchError, match=what):
        check_episodes(replace(GOOD, **change), IMAGES, CLASSES)


def test_a_class_may_not_have_two_labels_even_if_the_second_has_no_image() -> None:
    twice = replace(
        GOOD.slice_of(0, 1), ways=listed(3), classes=listed(1, 0, 1), support_labels=listed(1, 0)
    )
    with pytest.raises(BenchError, match="episode 0 has the same class twice"):
        check_episodes(twice, IMAGES, CLASSES)


def test_an_image_may_come_again_in_another_episode() -> None:
    one = GOOD.slice_of(0, 1)
    both = EpisodeList.of([*one.batches(1), *one.batches(1)])
    check_episodes(both, IMAGES, CLASSES)


def test_an_empty_list_is_none() -> None:
    with pytest.raises(BenchError, match="there is no episode"):
        check_episodes(GOOD.slice_of(0, 0), IMAGES, CLASSES)

"""The sampler's episodes: well formed, and fair by chi-square tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from bench.episodes import EpisodeProtocol
from bench.sampling import EpisodeIndices, EpisodeSampler, StreamName

NAME = StreamName("fingerprint", "test", EpisodeProtocol(3, 2, 2), seed=0)
LEAST_P = 1e-4
"""Streams are fixed, so a test that passes once passes always: this is no source of flakiness."""


def sampler(
    sizes: tuple[int, ...] = (5, 9, 4, 6), name: StreamName = NAME, **changes: Any
) -> EpisodeSampler:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    classes = tuple(f"class{number}" for number in range(len(sizes)))
    return EpisodeSampler(replace(name, **changes), offsets, classes)


@pytest.fixture(scope="module")
def unequal() -> tuple[EpisodeIndices, NDArray[np.int64]]:
    """Many episodes from classes of unequal sizes, with the class that owns each row."""
    sizes = (5, 9, 4, 6, 30)
    return sampler(sizes).draw(0, 3000), np.repeat(np.arange(5), sizes)


def test_classes_of_an_episode_are_distinct(
    unequal: tuple[EpisodeIndices, NDArray[np.int64]],
) -> None:
    classes = np.sort(unequal[0].classes, axis=1)
    assert (np.diff(classes, axis=1) > 0).all()
    assert set(np.unique(classes)) == set(range(5))


def test_images_of_an_episode_are_distinct_so_support_and_query_share_none(
    unequal: tuple[EpisodeIndices, NDArray[np.int64]],
) -> None:
    rows = np.sort(np.hstack([unequal[0].support, unequal[0].query]), axis=1)
    assert (np.diff(rows, axis=1) > 0).all()


def test_a_row_belongs_to_the_class_behind_its_label(
    unequal: tuple[EpisodeIndices, NDArray[np.int64]],
) -> None:
    drawn, owner = unequal
    for rows, labels in (
        (drawn.support, drawn.support_labels),
        (drawn.query, drawn.query_labels),
    ):
        np.testing.assert_array_equal(
            owner[rows], np.take_along_axis(drawn.classes, labels, axis=1)
        )


def test_every_class_has_its_shots_and_its_queries(
    unequal: tuple[EpisodeIndices, NDArray[np.int64]],
) -> None:
    expected = np.tile([0, 0, 1, 1, 2, 2], (3000, 1))
    np.testing.assert_array_equal(np.sort(unequal[0].support_labels, axis=1), expected)
    np.testing.assert_array_equal(np.sort(unequal[0].query_labels, axis=1), expected)


def test_every_row_of_every_class_is_drawn_however_large_the_class(
    unequal: tuple[EpisodeIndices, NDArray[np.int64]],
) -> None:
    np.testing.assert_array_equal(np.unique(unequal[0].support), np.arange(54))
    np.testing.assert_array_equal(np.unique(unequal[0].query), np.arange(54))


def assert_uniform(values: NDArray[np.int64], count: int) -> None:
    """Asserts that independent values look uniform over range(count)."""
    assert stats.chisquare(np.bincount(values, minlength=count)).pvalue > LEAST_P


@pytest.mark.parametrize("label", [0, 1, 2])
def test_the_class_behind_each_label_is_uniform(label: int) -> None:
    assert_uniform(sampler((4,) * 7).draw(0, 7000).classes[:, label], 7)


def test_each_class_gets_each_label_equally_often() -> None:
    classes = sampler((4,) * 6).draw(0, 6000).classes
    for chosen in range(6):
        assert_uniform(np.nonzero(classes == chosen)[1], 3)


@pytest.mark.parametrize(("shots", "queries"), [(1, 3), (3, 1), (1, 4), (4, 1)])
def test_every_image_is_equally_often_in_support_and_equally_often_in_query(
    shots: int, queries: int
) -> None:
    # Floyd's algorithm alone would almost never put a class's last image first.
    protocol = EpisodeProtocol(2, shots, queries)
    drawn = sampler((5, 5), protocol=protocol).draw(0, 5000)
    rows, labels = (
        (drawn.support, drawn.support_labels) if shots == 1 else (drawn.query, drawn.query_labels)
    )
    for label in range(2):
        assert_uniform(rows[labels == label] % 5, 5)


def test_every_pair_of_support_images_is_equally_likely() -> None:
    drawn = sampler((5, 5), protocol=EpisodeProtocol(2, 2, 2)).draw(0, 5000)
    place = np.argsort(drawn.support_labels, axis=1, kind="stable")[:, :2]  # those of label 0
    pairs = np.sort(np.take_along_axis(drawn.support, place, axis=1) % 5, axis=1)
    _, counts = np.unique(pairs, axis=0, return_counts=True)
    assert len(counts) == 10
    assert stats.chisquare(counts).pvalue > LEAST_P


@pytest.mark.parametrize("part", ["support_labels", "query_labels"])
def test_every_order_of_labels_is_equally_likely(part: str) -> None:
    protocol = EpisodeProtocol(3, 1, 1)
    labels = getattr(sampler((4,) * 5, protocol=protocol).draw(0, 6000), part)
    _, counts = np.unique(labels, axis=0, return_counts=True)
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > LEAST_P


def test_the_order_of_queries_says_nothing_of_the_order_of_support() -> None:
    protocol = EpisodeProtocol(2, 1, 1)
    drawn = sampler((4,) * 5, protocol=protocol).draw(0, 4000)
    assert_uniform(2 * drawn.support_labels[:, 0] + drawn.query_labels[:, 0], 4)


@pytest.mark.parametrize("part", ["support_labels", "query_labels"])
def test_every_position_holds_every_label_equally_often(part: str) -> None:
    labels = getattr(sampler().draw(0, 3000), part)
    for position in range(6):
        assert_uniform(labels[:, position], 3)

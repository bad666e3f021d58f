"""The sampler: what holds of its episodes, what it refuses, and what the digest covers."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.sampling import EpisodeIndices, EpisodeSampler, StreamName, episodes_digest

NAME = StreamName("fingerprint", "test", EpisodeProtocol(3, 2, 2), seed=0)


def sampler(
    sizes: tuple[int, ...] = (5, 9, 4, 6), name: StreamName = NAME, **changes: Any
) -> EpisodeSampler:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    classes = tuple(f"class{number}" for number in range(len(sizes)))
    return EpisodeSampler(replace(name, **changes), offsets, classes)


def assert_same(one: EpisodeIndices, other: EpisodeIndices) -> None:
    for field in fields(EpisodeIndices):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def differ(one: EpisodeIndices, other: EpisodeIndices) -> bool:
    return not np.array_equal(one.support, other.support)


@pytest.mark.parametrize(("start", "count"), [(0, 1), (3, 1), (3, 7), (9, 1), (0, 10)])
def test_episode_i_does_not_depend_on_the_batch_it_is_drawn_in(start: int, count: int) -> None:
    whole, part = sampler().draw(0, 10), sampler().draw(start, count)
    for field in fields(EpisodeIndices):
        expected = getattr(whole, field.name)[start : start + count]
        np.testing.assert_array_equal(getattr(part, field.name), expected)


def test_drawing_leaves_no_trace_in_the_sampler() -> None:
    one = sampler()
    before = one.draw(5, 3)
    one.draw(0, 50)
    assert_same(one.draw(5, 3), before)


def test_neighbouring_episodes_differ() -> None:
    drawn = sampler((20,) * 30, protocol=EpisodeProtocol(5, 1, 1)).draw(0, 500)
    assert len(np.unique(drawn.support, axis=0)) == 500


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "another"},
        {"split": "val"},
        {"seed": 1},
        {"protocol": EpisodeProtocol(3, 2, 1)},
    ],
)
def test_every_part_of_a_streams_name_gives_other_episodes(change: dict[str, Any]) -> None:
    sizes = (40,) * 40
    one, other = sampler(sizes).draw(0, 4), sampler(sizes, **change).draw(0, 4)
    assert differ(one, other)


def test_a_pool_with_just_enough_classes_and_images_will_do() -> None:
    drawn = sampler((4, 4, 4)).draw(0, 5)
    np.testing.assert_array_equal(
        np.sort(np.hstack([drawn.support, drawn.query]), axis=1), np.tile(np.arange(12), (5, 1))
    )


def test_too_many_ways_are_refused_with_the_numbers() -> None:
    with pytest.raises(BenchError, match="5 ways, but the test split has 4 classes; ask for at mo"):
        sampler(protocol=EpisodeProtocol(5, 1, 1))


def test_too_many_images_are_refused_with_the_numbers_and_the_smallest_class() -> None:
    with pytest.raises(
        BenchError,
        match=r"2 shots \+ 3 queries = 5, but class 'class2' of the test split has 4 examples; "
        "ask for at most 4 together",
    ):
        sampler(protocol=EpisodeProtocol(3, 2, 3))


@pytest.mark.parametrize("part", [field.name for field in fields(EpisodeIndices)])
def test_the_digest_changes_with_any_number_of_any_episode(part: str) -> None:
    drawn = sampler().draw(0, 20)
    changed = getattr(drawn, part).copy()
    changed[13, 1] += 1
    other = replace(drawn, **{part: changed})
    assert episodes_digest(NAME, [other]) != episodes_digest(NAME, [drawn])


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "another"},
        {"split": "val"},
        {"seed": 1},
        {"protocol": EpisodeProtocol(3, 1, 3)},
    ],
)
def test_the_digest_changes_with_any_part_of_the_name(change: dict[str, Any]) -> None:
    drawn = sampler().draw(0, 3)
    other = replace(NAME, **change)
    assert episodes_digest(other, [drawn]) != episodes_digest(NAME, [drawn])


def test_batches_joined_are_the_episodes_one_after_another_and_copies() -> None:
    drawn = sampler().draw(0, 7)
    joined = EpisodeIndices.joined([drawn.part(0, 3), drawn.part(3, 7)])
    assert_same(joined, drawn)
    joined.support[:] = -1
    assert (drawn.support >= 0).all()


def test_the_digest_changes_with_the_number_and_the_order_of_episodes() -> None:
    drawn = sampler().draw(0, 4)
    swapped = EpisodeIndices(*(getattr(drawn, f.name)[[1, 0, 2, 3]] for f in fields(drawn)))
    digests = {
        episodes_digest(NAME, [drawn]),
        episodes_digest(NAME, [sampler().draw(0, 3)]),
        episodes_digest(NAME, [swapped]),
    }
    assert len(digests) == 3


def test_the_digest_does_not_depend_on_how_episodes_are_divided_into_batches() -> None:
    whole = episodes_digest(NAME, [sampler().draw(0, 7)])
    assert whole == episodes_digest(NAME, [sampler().draw(0, 3), sampler().draw(3, 4)])

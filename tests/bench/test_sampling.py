"""The sampler, against a slow one in plain integers, its authors' numbers, and chi-square tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.sampling import EpisodeIndices, EpisodeSampler, StreamName, episodes_digest

NAME = StreamName("fingerprint", "test", EpisodeProtocol(3, 2, 2), seed=0)
LEAST_P = 1e-4
"""Streams are fixed, so a test that passes once passes always: this is no source of flakiness."""


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


# A second implementation, in plain integers and lists, after the text of sampling.py and
# Salmon et al. 2011, section 3.3 (Philox4x64-10).

MASK = 2**64 - 1


def philox(counter: int, key: tuple[int, int]) -> list[int]:
    """Returns four 64-bit words for a counter of 256 bits."""
    words = [(counter >> (64 * i)) & MASK for i in range(4)]
    k0, k1 = key
    for _ in range(10):
        left, right = 0xD2E7470EE14C6C93 * words[0], 0xCA5A826395121157 * words[2]
        words = [
            (right >> 64) ^ words[1] ^ k0,
            right & MASK,
            (left >> 64) ^ words[3] ^ k1,
            left & MASK,
        ]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return words


@dataclass
class SlowEpisode:
    classes: list[int]
    support: list[int]
    support_labels: list[int]
    query: list[int]
    query_labels: list[int]


def slow_episode(name: StreamName, sizes: tuple[int, ...], number: int) -> SlowEpisode:
    protocol = name.protocol
    ways, shots, each = protocol.ways, protocol.shots, protocol.shots + protocol.queries
    text = f"sampler 1\n{name.fingerprint}\n{name.split}\n{protocol.id}\n{name.seed}"
    digest = hashlib.sha256(text.encode()).digest()
    key = (int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little"))
    blocks = (2 * ways + 3 * ways * each + 7) // 8

    def stream() -> Iterator[int]:
        for block in range(blocks):
            for word in philox(number * blocks + block + 1, key):  # NumPy counts, then draws
                yield from (word & 0xFFFFFFFF, word >> 32)

    words = stream()

    def take(count: int) -> list[int]:
        return [next(words) for _ in range(count)]

    def shuffled(count: int, keys: list[int]) -> list[int]:
        return sorted(range(count), key=lambda place: (keys[place], place))

    def choose(draws: list[int], keys: list[int], size: int) -> list[int]:
        picks: list[int] = []
        for step, draw in enumerate(draws):
            top = size - len(draws) + step
            candidate = draw * (top + 1) // 2**32
            picks.append(top if candidate in picks else candidate)
        return [picks[place] for place in shuffled(len(picks), keys)]

    class_draws, class_keys = take(ways), take(ways)
    classes = choose(class_draws, class_keys, len(sizes))
    image_draws = [take(each) for _ in classes]
    image_keys = [take(each) for _ in classes]
    support, query = [], []
    for label, chosen in enumerate(classes):
        images = choose(image_draws[label], image_keys[label], sizes[chosen])
        rows = [sum(sizes[:chosen]) + image for image in images]
        support += [(row, label) for row in rows[:shots]]
        query += [(row, label) for row in rows[shots:]]
    support = [support[place] for place in shuffled(len(support), take(len(support)))]
    query = [query[place] for place in shuffled(len(query), take(len(query)))]
    return SlowEpisode(
        classes,
        [row for row, _ in support],
        [label for _, label in support],
        [row for row, _ in query],
        [label for _, label in query],
    )


def test_the_slow_generator_gives_the_known_answer_of_its_authors() -> None:
    # From Random123's kat_vectors: philox4x64, 10 rounds, counter and key all zero.
    assert philox(0, (0, 0)) == [
        0x16554D9ECA36314C,
        0xDB20FE9D672D0FDC,
        0xD7E772CEE186176B,
        0x7E68B68AEC7BA23B,
    ]


@pytest.mark.parametrize(
    ("protocol", "sizes"),
    [
        (EpisodeProtocol(3, 2, 2), (5, 9, 4, 6)),
        (EpisodeProtocol(5, 1, 15), (20,) * 40),
        (EpisodeProtocol(2, 3, 1), (4, 4)),
        (EpisodeProtocol(20, 5, 1), tuple(range(6, 36))),
    ],
)
def test_episodes_are_those_of_a_second_implementation(
    protocol: EpisodeProtocol, sizes: tuple[int, ...]
) -> None:
    name = StreamName("some data", "val", protocol, seed=7)
    drawn = sampler(sizes, name).draw(40, 12)
    for place in range(12):
        slow = slow_episode(name, sizes, 40 + place)
        assert drawn.classes[place].tolist() == slow.classes
        assert drawn.support[place].tolist() == slow.support
        assert drawn.support_labels[place].tolist() == slow.support_labels
        assert drawn.query[place].tolist() == slow.query
        assert drawn.query_labels[place].tolist() == slow.query_labels


def test_golden_values_hold_on_every_platform_and_library_version() -> None:
    name = StreamName("golden", "test", EpisodeProtocol(3, 1, 2), seed=1)
    sizes = (20, 20, 20, 20, 20, 20)
    assert [slow_episode(name, sizes, number) for number in (0, 1_000_000)] == GOLDEN
    for number, expected in zip((0, 1_000_000), GOLDEN, strict=True):
        drawn = sampler(sizes, name).draw(number, 1)
        assert drawn.classes[0].tolist() == expected.classes
        assert drawn.support[0].tolist() == expected.support
        assert drawn.support_labels[0].tolist() == expected.support_labels
        assert drawn.query[0].tolist() == expected.query
        assert drawn.query_labels[0].tolist() == expected.query_labels


def test_the_golden_digest_is_sha256_over_the_name_and_the_numbers_as_little_endian_64_bit() -> (
    None
):
    name = StreamName("golden", "test", EpisodeProtocol(3, 1, 2), seed=1)
    sizes = (20, 20, 20, 20, 20, 20)
    slow = [slow_episode(name, sizes, number) for number in range(3)]
    text = "sampler 1\ngolden\ntest\n3w1s2q\n1"
    expected = hashlib.sha256(hashlib.sha256(text.encode()).digest())
    for episode in slow:
        for part in ("classes", "support", "support_labels", "query", "query_labels"):
            for number in getattr(episode, part):
                expected.update(number.to_bytes(8, "little"))
    digest = episodes_digest(name, [sampler(sizes, name).draw(0, 3)])
    assert digest == expected.hexdigest() == GOLDEN_DIGEST


GOLDEN = [
    SlowEpisode(
        classes=[0, 2, 3],
        support=[4, 77, 44],
        support_labels=[0, 2, 1],
        query=[49, 76, 42, 2, 65, 15],
        query_labels=[1, 2, 1, 0, 2, 0],
    ),
    SlowEpisode(
        classes=[2, 4, 5],
        support=[100, 45, 80],
        support_labels=[2, 0, 1],
        query=[53, 85, 89, 52, 112, 106],
        query_labels=[0, 1, 1, 0, 2, 2],
    ),
]
GOLDEN_DIGEST = "6864e4049e9e45bab4fcd31113ded97cf0c7a0ebe8c22b40edfed6a1a77f285c"


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
        match=r"2 shots \+ 3 queries = 5, but class 'class2' of the test split has 4 images; "
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

"""The sampler, against a slow one in plain integers, and its authors' numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from bench.episodes import EpisodeProtocol
from bench.sampling import EpisodeSampler, StreamName, episodes_digest


def sampler(sizes: tuple[int, ...], name: StreamName) -> EpisodeSampler:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return EpisodeSampler(name, offsets, tuple(f"class{number}" for number in range(len(sizes))))


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

"""The sampler: episode i is a pure function of (dataset fingerprint, split, protocol, seed, i).

Randomness comes from the raw words of a counter-based generator (Philox 4x64, Salmon et al. 2011,
"Parallel random numbers: as easy as 1, 2, 3"), whose stream NumPy promises never to change. The
key is a hash of what names the stream, the counter is the episode's number, and all that follows
is integer arithmetic: the same episodes on every platform, device, library version and worker,
whatever the batch size.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.episodes import EpisodeProtocol
from bench.errors import BenchError

SAMPLER_VERSION = 1
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@dataclass(frozen=True)
class EpisodeIndices:
    """A batch of b episodes as rows of a pool: where to look, and what to call it.

    Shapes: support and support_labels (b, s), query and query_labels (b, m), classes (b, n).
    """

    support: NDArray[np.int64]
    support_labels: NDArray[np.int64]
    query: NDArray[np.int64]
    query_labels: NDArray[np.int64]
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.classes)

    def part(self, start: int, stop: int) -> EpisodeIndices:
        """Returns episodes start .. stop-1 of the batch."""
        return EpisodeIndices(*(column[start:stop] for column in self.columns))

    @classmethod
    def joined(cls, batches: Sequence[EpisodeIndices]) -> EpisodeIndices:
        """Returns the episodes of several batches after one another, as copies."""
        columns = zip(*(batch.columns for batch in batches), strict=True)
        return cls(*map(np.concatenate, columns))

    @property
    def columns(self) -> tuple[NDArray[np.int64], ...]:
        """All that there is of each episode, in the order of the fields."""
        return self.support, self.support_labels, self.query, self.query_labels, self.classes


@dataclass(frozen=True)
class StreamName:
    """All that an endless stream of episodes depends on."""

    fingerprint: str
    split: str
    protocol: EpisodeProtocol
    seed: int

    def digest(self) -> bytes:
        """Returns 32 bytes that differ whenever any part of the name differs."""
        text = (
            f"sampler {SAMPLER_VERSION}\n{self.fingerprint}\n{self.split}\n"
            f"{self.protocol.id}\n{self.seed}"
        )
        return hashlib.sha256(text.encode()).digest()


class EpisodeSampler:
    """Draws batches of episodes from classes of the given sizes, with vectorised arithmetic.

    Within an episode classes are distinct, images are distinct, support and query share none,
    each class gets a random label, and support and query come in random order. A class's images
    are the rows `offsets[c]` to `offsets[c + 1]` of the pool.

    Raises:
        BenchError: the pool has fewer classes than ways, or a class fewer images than
            shots + queries.
    """

    def __init__(
        self, name: StreamName, offsets: NDArray[np.int64], classes: tuple[str, ...]
    ) -> None:
        self.name = name
        self._starts = offsets[:-1]
        self._sizes = np.diff(offsets)
        self._key = np.frombuffer(name.digest()[:16], dtype="<u8")
        check_protocol(name.protocol, self._sizes, classes, name.split)

    def draw(self, start: int, count: int) -> EpisodeIndices:
        """Returns episodes start .. start+count-1 of the stream."""
        protocol = self.name.protocol
        ways, shots, each = protocol.ways, protocol.shots, protocol.per_class
        words = _Words(self._key, start, count, 2 * ways + 3 * ways * each)
        class_count = np.full(count, len(self._sizes))
        classes = _choose(words.take(ways), words.take(ways), class_count)
        images = _choose(
            words.take(ways, each), words.take(ways, each), self._sizes[classes].ravel()
        )
        rows = images.reshape(count, ways, each) + self._starts[classes][..., None]
        support, support_labels = _mix(rows[..., :shots], words)
        query, query_labels = _mix(rows[..., shots:], words)
        return EpisodeIndices(support, support_labels, query, query_labels, classes)


def check_protocol(
    protocol: EpisodeProtocol, sizes: NDArray[np.int64], classes: tuple[str, ...], split: str
) -> None:
    """Raises BenchError if classes of these sizes cannot give episodes of this protocol."""
    if protocol.ways > len(sizes):
        raise BenchError(
            f"{protocol.ways} ways, but the {split} split has {len(sizes)} classes; "
            f"ask for at most {len(sizes)}"
        )
    smallest = int(sizes.argmin())
    if protocol.per_class > sizes[smallest]:
        unit, items = ("class", "images") if protocol.ways > 1 else ("curve", "points")
        raise BenchError(
            f"{protocol.shots} shots + {protocol.queries} queries = {protocol.per_class}, but "
            f"{unit} '{classes[smallest]}' of the {split} split has {sizes[smallest]} {items}; "
            f"ask for at most {sizes[smallest]} together"
        )


def episodes_digest(name: StreamName, batches: Iterable[EpisodeIndices]) -> str:
    """Returns the sha256 that names exactly these episodes, in this order, of this stream.

    How the episodes are divided into batches makes no difference.
    """
    digest = hashlib.sha256(name.digest())
    for batch in batches:
        columns = (
            batch.classes,
            batch.support,
            batch.support_labels,
            batch.query,
            batch.query_labels,
        )
        digest.update(np.concatenate(columns, axis=1).astype("<i8").tobytes())
    return digest.hexdigest()


class _Words:
    """The 32-bit random words of episodes start .. start+count-1, handed out in order."""

    def __init__(self, key: NDArray[np.uint64], start: int, count: int, each: int) -> None:
        blocks = -(-each // 8)  # one counter value yields four 64-bit words
        raw = np.random.Philox(key=key, counter=start * blocks).random_raw(count * blocks * 4)
        self._words = raw.astype("<u8", copy=False).view("<u4").reshape(count, blocks * 8)
        self._used = 0

    def take(self, *shape: int) -> NDArray[np.uint64]:
        """Returns the next words of every episode, (count * shape[:-1], shape[-1])."""
        first, self._used = self._used, self._used + math.prod(shape)
        return self._words[:, first : self._used].astype(np.uint64).reshape(-1, shape[-1])


def _below(words: NDArray[np.uint64], bound: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns integers in [0, bound), their bias under bound / 2**32 (multiply and shift)."""
    return ((words * bound.astype(np.uint64)) >> _HALF).astype(np.int64)


def _shuffle(values: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns each row of `values` (r, k) in the order of the same row of `order` (r, k)."""
    first = np.arange(0, values.size, values.shape[-1])[:, None]
    return np.take(values.ravel(), order + first)


def _permutation(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Returns a random permutation of each row (r, k); equal keys are told apart by position."""
    position = np.arange(keys.shape[-1], dtype=np.uint64)
    keyed = (keys << _HALF) | position
    keyed.sort(axis=-1)
    return (keyed & _LOW).astype(np.int64)


def _choose(
    draws: NDArray[np.uint64], keys: NDArray[np.uint64], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Returns k distinct integers below `sizes` (r,) in each row, (r, k), from words (r, k).

    Floyd's algorithm (Bentley & Floyd 1987) gives a uniform set, but not in uniform order: the
    last item is rarely among the first picks. As the first picks become the support, the picks
    are shuffled.
    """
    count = draws.shape[-1]
    tops = sizes - count + np.arange(count)[:, None]
    picks = _below(np.ascontiguousarray(draws.T), tops + 1)  # (k, r): a step is a row
    for step in range(1, count):
        taken = (picks[:step] == picks[step]).any(axis=0)
        np.copyto(picks[step], tops[step], where=taken)
    return _shuffle(np.ascontiguousarray(picks.T), _permutation(keys))


def _mix(rows: NDArray[np.int64], words: _Words) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns rows and labels of (b, n, k) as (b, n*k), in one random order per episode."""
    ways, each = rows.shape[1:]
    order = _permutation(words.take(ways * each))
    return _shuffle(rows.reshape(len(rows), -1), order), order // each

"""The sampler: episode i is a pure function of (dataset fingerprint, split, protocol, seed, i).

Randomness comes from the raw words of a counter-based generator (Philox 4x64, Salmon et al. 2011,
"Parallel random numbers: as easy as 1, 2, 3"), whose stream NumPy promises never to change. The
key is a hash of what names the stream, the counter is the episode's number, and all that follows
is integer arithmetic: the same episodes on every platform, device, library version and worker,
whatever the batch size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
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
        return EpisodeIndices(
            self.support[start:stop],
            self.support_labels[start:stop],
            self.query[start:stop],
            self.query_labels[start:stop],
            self.classes[start:stop],
        )


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
        images = _choose(words.take(ways, each), words.take(ways, each), self._sizes[classes])
        rows = images + self._starts[classes][..., None]
        labels = np.broadcast_to(np.arange(ways)[:, None], rows.shape)
        support, support_labels = _mix(rows[..., :shots], labels[..., :shots], words)
        query, query_labels = _mix(rows[..., shots:], labels[..., shots:], words)
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
        raise BenchError(
            f"{protocol.shots} shots + {protocol.queries} queries = {protocol.per_class}, but "
            f"class '{classes[smallest]}' of the {split} split has {sizes[smallest]} images; "
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
        halves = raw.astype("<u8").view("<u4").reshape(count, blocks * 8)
        self._words = halves.astype(np.uint64)
        self._used = 0

    def take(self, *shape: int) -> NDArray[np.uint64]:
        """Returns the next words of every episode, shape (count, *shape)."""
        first, self._used = self._used, self._used + int(np.prod(shape))
        return self._words[:, first : self._used].reshape(len(self._words), *shape)


def _below(words: NDArray[np.uint64], bound: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns integers in [0, bound), their bias under bound / 2**32 (multiply and shift)."""
    return ((words * bound.astype(np.uint64)) >> _HALF).astype(np.int64)


def _permutation(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Returns a random permutation of the last axis; equal keys are told apart by position."""
    position = np.arange(keys.shape[-1], dtype=np.uint64)
    return (np.sort((keys << _HALF) | position, axis=-1) & _LOW).astype(np.int64)


def _choose(
    draws: NDArray[np.uint64], keys: NDArray[np.uint64], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Returns distinct integers below `sizes` (...), as many as the last axis of `draws` is long.

    Floyd's algorithm (Bentley & Floyd 1987) gives a uniform set, but not in uniform order: the
    last item is rarely among the first picks. As the first picks become the support, the picks
    are shuffled.
    """
    count = draws.shape[-1]
    picks = np.empty(draws.shape, dtype=np.int64)
    for step in range(count):
        top = sizes - count + step
        candidate = _below(draws[..., step], top + 1)
        taken = (picks[..., :step] == candidate[..., None]).any(axis=-1)
        picks[..., step] = np.where(taken, top, candidate)
    return np.take_along_axis(picks, _permutation(keys), axis=-1)


def _mix(
    rows: NDArray[np.int64], labels: NDArray[np.int64], words: _Words
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns rows and labels (b, n, k) flattened to (b, n*k) in one random order per episode."""
    flat = (len(rows), rows.shape[1] * rows.shape[2])
    order = _permutation(words.take(flat[1]))
    return (
        np.take_along_axis(rows.reshape(flat), order, axis=1),
        np.take_along_axis(labels.reshape(flat), order, axis=1),
    )

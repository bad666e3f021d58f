"""The sampler: episode i is a pure function of (dataset fingerprint, split, protocol, seed, i).

Randomness comes from the raw words of a counter-based generator (Philox 4x64, Salmon et al. 2011,
"Parallel random numbers: as easy as 1, 2, 3"), whose stream NumPy promises never to change. The
key is a hash of what names the stream, the counter is the episode's number, and all that follows
is integer arithmetic: the same episodes on every platform, device, library version and worker,
whatever the batch size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.words import Words, choose, mix

SAMPLER_VERSION = 1


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
    sampler_version: int = SAMPLER_VERSION

    def digest(self) -> bytes:
        """Returns 32 bytes that differ whenever any part of the name differs."""
        text = (
            f"sampler {self.sampler_version}\n{self.fingerprint}\n{self.split}\n"
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
        words = Words(self._key, start, count, 2 * ways + 3 * ways * each)
        class_count = np.full(count, len(self._sizes))
        classes = choose(words.take(ways), words.take(ways), class_count)
        images = choose(
            words.take(ways, each), words.take(ways, each), self._sizes[classes].ravel()
        )
        rows = images.reshape(count, ways, each) + self._starts[classes][..., None]
        support, support_labels = mix(rows[..., :shots], words)
        query, query_labels = mix(rows[..., shots:], words)
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
        unit, items = ("class", "examples") if protocol.ways > 1 else ("curve", "points")
        raise BenchError(
            f"{protocol.shots} shots + {protocol.queries} queries = {protocol.per_class}, but "
            f"{unit} '{classes[smallest]}' of the {split} split has {sizes[smallest]} {items}; "
            f"ask for at most {sizes[smallest]} together"
        )


def episodes_digest(name: StreamName, batches: Iterable[EpisodeIndices]) -> str:
    """Returns the sha256 that names exactly these episodes, in this order, of this stream.

    How the episodes are divided into batches makes no difference. Where not all have the shape
    that the protocol says, their shapes are covered, too.
    """
    fixed = name.protocol.kind == "fixed"
    digest = hashlib.sha256(name.digest())
    for batch in batches:
        columns: tuple[NDArray[np.int64], ...] = (
            batch.classes,
            batch.support,
            batch.support_labels,
            batch.query,
            batch.query_labels,
        )
        if not fixed:
            sizes = [batch.classes.shape[1], batch.support.shape[1], batch.query.shape[1]]
            columns = (np.tile(np.array(sizes), (len(batch), 1)), *columns)
        digest.update(np.concatenate(columns, axis=1).astype("<i8").tobytes())
    return digest.hexdigest()

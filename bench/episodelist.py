"""Lists of episodes: which images each has, as what; of whatever shapes.

An episode here is rows and class numbers of one split of a dataset, not its pixels. Everything is
flat, one episode after another, so that episodes of different ways and shots fit into one list.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.sampling import EpisodeIndices

ID_LENGTH = 16
"""Hexadecimal digits of an episode's id."""


@dataclass(frozen=True)
class EpisodeList:
    """e episodes, flat: `ways`, `supports` and `queries` (e,) say how much of the rest is whose.

    Shapes: classes (sum of ways,), the split's class behind each label; support and
    support_labels (sum of supports,); query and query_labels (sum of queries,). `support` and
    `query` are rows of the split.
    """

    ways: NDArray[np.int64]
    supports: NDArray[np.int64]
    queries: NDArray[np.int64]
    classes: NDArray[np.int64]
    support: NDArray[np.int64]
    support_labels: NDArray[np.int64]
    query: NDArray[np.int64]
    query_labels: NDArray[np.int64]

    @classmethod
    def of(cls, batches: Iterable[EpisodeIndices]) -> EpisodeList:
        """Returns the episodes of batches, each of which has one shape, after one another."""
        parts = list(batches)

        def sizes(name: str) -> NDArray[np.int64]:
            return np.concatenate(
                [np.full(len(part), getattr(part, name).shape[1], np.int64) for part in parts]
            )

        def flat(name: str) -> NDArray[np.int64]:
            return np.concatenate([getattr(part, name).ravel() for part in parts])

        return cls(
            sizes("classes"),
            sizes("support"),
            sizes("query"),
            *map(flat, ("classes", "support", "support_labels", "query", "query_labels")),
        )

    def __len__(self) -> int:
        return len(self.ways)

    @cached_property
    def query_ends(self) -> NDArray[np.int64]:
        """Where each episode's queries end in the flat columns, (e,)."""
        return np.cumsum(self.queries)

    @cached_property
    def _starts(self) -> tuple[NDArray[np.int64], ...]:
        """Where each episode begins in the columns of classes, support and query."""
        return tuple(
            np.concatenate([[0], np.cumsum(s)]) for s in (self.ways, self.supports, self.queries)
        )

    def slice_of(self, start: int, stop: int) -> EpisodeList:
        """Returns episodes start .. stop-1."""
        classes, support, query = (slice(s[start], s[stop]) for s in self._starts)
        return EpisodeList(
            self.ways[start:stop],
            self.supports[start:stop],
            self.queries[start:stop],
            self.classes[classes],
            self.support[support],
            self.support_labels[support],
            self.query[query],
            self.query_labels[query],
        )

    def batches(self, size: int) -> Iterator[EpisodeIndices]:
        """Yields neighbours of one shape together, up to `size` at a time."""
        shapes = np.stack([self.ways, self.supports, self.queries], axis=1)
        breaks = np.flatnonzero((shapes[1:] != shapes[:-1]).any(1)) + 1
        edges = [0, *breaks.tolist(), len(self)]
        for first, last in itertools.pairwise(edges):
            for start in range(first, last, size):
                part = self.slice_of(start, min(start + size, last))
                each = len(part)
                yield EpisodeIndices(
                    part.support.reshape(each, -1),
                    part.support_labels.reshape(each, -1),
                    part.query.reshape(each, -1),
                    part.query_labels.reshape(each, -1),
                    part.classes.reshape(each, -1),
                )

    def ids(self, fingerprint: str) -> tuple[str, ...]:
        """Returns an id of each episode: a hash of its rows and labels, and of the data's."""
        start = hashlib.sha256(fingerprint.encode())
        ids = []
        for number in range(len(self)):
            part = self.slice_of(number, number + 1)
            digest = start.copy()
            for column in (
                np.array([len(part.classes), len(part.support), len(part.query)]),
                *(part.classes, part.support, part.support_labels, part.query, part.query_labels),
            ):
                digest.update(column.astype("<i8").tobytes())
            ids.append(digest.hexdigest()[:ID_LENGTH])
        return tuple(ids)

"""Samplers that draw one episode after another, each of whatever shape."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.protocols.table import ClassTable
from bench.sampling import EpisodeIndices, StreamName, check_protocol
from bench.words import Draws


class DrawingSampler(ABC):
    """A sampler that needs `episode` only; episode i is a pure function of the stream's name and i.

    Each kind of protocol derives from it. Randomness comes from raw words of Philox, and but for
    what a kind says of itself all arithmetic is of whole numbers, so episodes are the same
    everywhere.

    Raises:
        BenchError: the table cannot give episodes of this protocol.
    """

    def __init__(self, name: StreamName, table: ClassTable) -> None:
        self.name, self.table = name, table
        self.sizes: list[int] = table.sizes.tolist()
        self.key: NDArray[np.uint64] = np.frombuffer(name.digest()[:16], dtype="<u8")
        self.check()

    def check(self) -> None:
        """Raises BenchError unless any `ways` classes of the table give an episode."""
        table = self.table
        check_protocol(self.name.protocol, table.sizes, table.classes, table.split)

    @property
    def length(self) -> int | None:
        """How many episodes there are; None if they never end."""
        return None

    @abstractmethod
    def episode(self, number: int) -> EpisodeIndices:
        """Returns one episode, as a batch of one."""

    def draws(self, number: int) -> Draws:
        """Returns the random draws of one episode."""
        return Draws(self.key, number)

    def rows(self, draws: Draws, class_number: int, count: int) -> list[int]:
        """Returns `count` distinct rows of a class, in random order."""
        first = self.table.starts[class_number]
        return [first + place for place in draws.choose(count, self.sizes[class_number])]


def laid_out(
    draws: Draws,
    classes: Sequence[int],
    support: Sequence[Sequence[int]],
    query: Sequence[Sequence[int]],
) -> EpisodeIndices:
    """Returns an episode from its classes, in the order of their labels, and the rows of each.

    Support and query are shuffled.
    """

    def mixed(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        pairs = [(row, label) for label, some in enumerate(rows) for row in some]
        table = np.array(draws.shuffled(pairs), dtype=np.int64)
        return table[None, :, 0], table[None, :, 1]

    return EpisodeIndices(*mixed(support), *mixed(query), np.array([classes], dtype=np.int64))

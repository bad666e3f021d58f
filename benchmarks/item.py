"""Items: what is timed, who does it, and what proves that they do the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

OURS = "bench"


@dataclass(frozen=True)
class Work:
    """Something to time: calling `run` once does `units` units of it."""

    run: Callable[[], object]
    units: int = 1


@dataclass(frozen=True)
class Contender:
    """One way of doing an item's work.

    Args:
        name: as the table shows it; ours is `bench`.
        package: what must be installed for it; empty for ours.
        make: builds the work, on small data if its argument is true; runs in a worker.
        note: what a reader must know of how it is run.
        both_allocators: time it with the allocator as it comes and as bench sets it.
    """

    name: str
    package: str
    make: Callable[[bool], Work]
    note: str = ""
    both_allocators: bool = False


@dataclass(frozen=True)
class Proof:
    """That a peer computes what we do: the largest relative error found, and the most allowed."""

    peer: str
    what: str
    error: float
    limit: float = 1e-6

    @property
    def holds(self) -> bool:
        """Whether the error is within the limit; an error that is not a number is not."""
        return self.error <= self.limit


@dataclass(frozen=True)
class Floor:
    """The least that a unit costs: arithmetic or elements converted from bytes to float32."""

    kind: Literal["flop", "elements"]
    amount: float


@dataclass(frozen=True)
class Target:
    """What an item must reach.

    `ratio` is over the contender `against`, with the allocator as it comes. `cpu_seconds` is the
    most that a call may cost, beyond a call of `against` if one is named.
    """

    against: str = ""
    ratio: float | None = None
    cpu_seconds: float | None = None


@dataclass(frozen=True)
class Item:
    """One row of the table, or a few.

    Args:
        name: how the command line calls it.
        summary: what is done, in one line.
        unit: what is counted.
        contenders: ours, then the peers.
        prove: compares ours with each of the named peers; runs first, in a worker of its own.
        floor: the least that a unit can cost.
        target: what it must reach.
        threads_matter: whether it is timed with every number of threads, or with one only.
    """

    name: str
    summary: str
    unit: str
    contenders: tuple[Contender, ...]
    prove: Callable[[Sequence[str], bool], list[Proof]] = field(default=lambda peers, quick: [])
    floor: Floor | None = None
    target: Target = Target()
    threads_matter: bool = True

    def contender(self, name: str) -> Contender:
        """Returns the contender of that name."""
        return next(c for c in self.contenders if c.name == name)

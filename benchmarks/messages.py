"""Messages between the session and its workers, a line of JSON each."""

from __future__ import annotations

import msgspec

from benchmarks.item import Proof
from benchmarks.machine import Limits
from benchmarks.timing import Sample


class Prove(msgspec.Struct, tag=True, frozen=True):
    """Asks whether ours computes the same as these peers."""

    item: str
    peers: list[str]
    quick: bool


class Prepare(msgspec.Struct, tag=True, frozen=True):
    """Asks to build a contender's work and to find how many calls last about so many seconds."""

    item: str
    contender: str
    quick: bool
    seconds: float


class Measure(msgspec.Struct, tag=True, frozen=True):
    """Asks for one measurement of a contender's work that was prepared."""

    contender: str


class Release(msgspec.Struct, tag=True, frozen=True):
    """Asks to forget all work."""


class MeasureLimits(msgspec.Struct, tag=True, frozen=True):
    """Asks what the processor reaches at best."""

    quick: bool


class Proved(msgspec.Struct, tag=True, frozen=True):
    """The errors that were found."""

    proofs: list[Proof]


class Ready(msgspec.Struct, tag=True, frozen=True):
    """The work is built; a measurement is so many calls."""

    calls: int


class Measured(msgspec.Struct, tag=True, frozen=True):
    """One measurement."""

    sample: Sample


class Reached(msgspec.Struct, tag=True, frozen=True):
    """What the processor reached."""

    limits: Limits


class Done(msgspec.Struct, tag=True, frozen=True):
    """Nothing to tell."""


class Failed(msgspec.Struct, tag=True, frozen=True):
    """It could not be done; `mendable` if something is merely not there (a BenchError)."""

    reason: str
    mendable: bool


Request = Prove | Prepare | Measure | Release | MeasureLimits
Reply = Proved | Ready | Measured | Reached | Done | Failed

"""The record of a session: every measurement, so that each number of the table can be redone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from bench.errors import BenchError
from bench.files import write_atomically
from benchmarks.item import Proof
from benchmarks.machine import Machine
from benchmarks.timing import Sample

SCHEMA = 1
Status = Literal["timed", "not available", "not equal", "failed"]


class Series(msgspec.Struct, frozen=True):
    """The measurements of one contender with one number of threads, a sample per round."""

    label: str
    contender: str
    threads: int
    our_allocator: bool
    calls: int
    samples: list[Sample]


class ItemRecord(msgspec.Struct, frozen=True):
    """What was found out about one item.

    `left_out` says of each contender that was not timed why; `reason` why the item was not.
    """

    name: str
    summary: str
    unit: str
    status: Status
    reason: str
    notes: dict[str, str]
    left_out: dict[str, str]
    proofs: list[Proof] = []
    series: list[Series] = []

    def stopped(self, status: Status, reason: str) -> ItemRecord:
        """Returns the record with the reason why the item was not timed."""
        return msgspec.structs.replace(self, status=status, reason=reason)

    def proven(self, proofs: list[Proof]) -> ItemRecord:
        """Returns the record with what was proven."""
        return msgspec.structs.replace(self, proofs=proofs)

    def without(self, label: str, reason: str) -> ItemRecord:
        """Returns the record with one contender more that was not timed."""
        return msgspec.structs.replace(self, left_out=self.left_out | {label: reason})

    def timed(self, series: list[Series]) -> ItemRecord:
        """Returns the record with the measurements."""
        return msgspec.structs.replace(self, series=series)


class SessionRecord(msgspec.Struct, frozen=True):
    """One run of the command."""

    schema: int
    started: str
    command: list[str]
    commit: str
    rounds: int
    seconds: float
    quick: bool
    machine: Machine
    items: list[ItemRecord]

    def write(self, path: Path) -> None:
        """Writes the record as JSON, atomically."""
        text = msgspec.json.format(msgspec.json.encode(self), indent=1)
        write_atomically(path, text + b"\n")


def read_session(path: Path) -> SessionRecord:
    """Reads a record; raises BenchError if it is damaged or of another schema."""
    try:
        record = msgspec.json.decode(path.read_bytes(), type=SessionRecord)
    except (OSError, msgspec.MsgspecError) as error:
        raise BenchError(f"{path} cannot be read: {error}") from None
    if record.schema != SCHEMA:
        raise BenchError(f"{path} has schema {record.schema}; this version reads {SCHEMA}")
    return record

"""Badges: where it is kept that a run was verified, or failed at that.

A verification that succeeds is kept in the run's record, under its seal. One that fails leaves
the record as it is, so that it can be looked into, and a file of its own beside it.

The seal is a hash, not a signature: whoever wants to can write a record that says `verified`. What
counts is that anybody can run `bench verify` again. Imports no torch.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from bench.errors import BenchError
from bench.files import write_atomically
from bench.measurements import VerificationRecord

FAILURE_FILE = "verification.json"
"""What a failed verification leaves in the run's folder."""


def write_failure(folder: Path, verification: VerificationRecord) -> None:
    """Leaves a failed verification beside the record."""
    content = msgspec.json.format(msgspec.json.encode(verification), indent=2)
    write_atomically(folder / FAILURE_FILE, content + b"\n")


def read_failure(folder: Path) -> VerificationRecord | None:
    """Returns the failed verification of a run, if there is one; BenchError if it is damaged."""
    path = folder / FAILURE_FILE
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=VerificationRecord)
    except msgspec.MsgspecError as error:
        raise BenchError(f"{path} cannot be read: {error}; verify the run again") from None


def clear_failure(folder: Path) -> None:
    """Takes away what a failed verification left, once another one succeeded."""
    (folder / FAILURE_FILE).unlink(missing_ok=True)

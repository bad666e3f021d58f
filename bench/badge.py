"""Badges: what became of a run since it ended: verified, failed at that, or altered.

A verification that succeeds is kept in the run's record, under its seal. One that fails leaves
the record as it is, so that it can be looked into, and a file of its own beside it.

The seal is a hash, not a signature: whoever wants to can write a record that says `verified`. What
counts is that anybody can run `bench verify` again. Imports no torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from bench.errors import BenchError
from bench.files import sha256_of, write_atomically
from bench.measurements import VerificationRecord
from bench.results import (
    CHECKPOINT_FILE,
    EPISODES_FILE,
    PREDICTIONS_FILE,
    Outcome,
    read_run,
    seal_of,
)

FAILURE_FILE = "verification.json"
"""What a failed verification leaves in the run's folder."""
Badge = Literal["verified", "within tolerance", "failed", "altered", ""]


def badge_of(folder: Path) -> Badge:
    """Returns the badge of a run; empty if nobody verified it.

    It is `altered` if the record or a file is not, to the byte, what the run wrote. Raises
    BenchError if the record cannot be read.
    """
    record = read_run(folder)
    if seal_of(folder) == "broken" or (record.outcome and _is_altered(folder, record.outcome)):
        return "altered"
    if (folder / FAILURE_FILE).exists():
        return "failed"
    return record.verification.verdict if record.verification else ""


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


def _is_altered(folder: Path, outcome: Outcome) -> bool:
    """Tells whether a file that is there has another hash than the record says."""
    recorded = {
        CHECKPOINT_FILE: outcome.checkpoint_sha256,
        EPISODES_FILE: outcome.episodes_file_sha256,
        PREDICTIONS_FILE: outcome.predictions_file_sha256,
    }
    return any(
        kept and (folder / name).is_file() and sha256_of(folder / name) != kept
        for name, kept in recorded.items()
    )

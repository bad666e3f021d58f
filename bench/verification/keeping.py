"""Keeping a verification: in the run's record, or beside it if it failed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from bench.badge import clear_failure, write_failure
from bench.measurements import VerificationRecord
from bench.recount import recount
from bench.results import seal_of
from bench.verification.found import Verification

Kept = Literal["in the record", "beside the record", "the fuller one", "nothing"]


def keep(folder: Path, verification: Verification) -> Kept:
    """Writes a verification into the run's record, or a failed one beside it; tells what is kept.

    `nothing` of an incomplete one, nor of any of a record without a seal, which would get one.
    `the fuller one` that the record has already stays, if this one found no more of fewer figures,
    as where predictions are missing; that test data was opened is written down all the same.
    """
    if verification.verdict == "incomplete":
        return "nothing"
    if verification.verdict == "failed":
        write_failure(folder, verification.record())
        return "beside the record"
    clear_failure(folder)
    if verification.use is None or seal_of(folder) != "whole":
        return "nothing"
    record = recount(folder).record
    if record is None:
        return "nothing"
    uses, had = (*record.test_uses, verification.use), record.verification
    if had is not None and _is_fuller(had, verification):
        replace(record, test_uses=uses).write(folder)
        return "the fuller one"
    replace(record, verification=verification.record(), test_uses=uses).write(folder)
    return "in the record"


def _is_fuller(had: VerificationRecord, verification: Verification) -> bool:
    """Tells whether an earlier verification found as much or more, of more figures."""
    better = had.verdict == "verified" or had.verdict == verification.verdict
    return better and len(had.figures) > len(verification.figures)

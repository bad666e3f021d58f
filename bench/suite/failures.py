"""Suite failures: why a test could not even begin, kept beside the logs until that changes.

A run that fails says so in its own record. One that is refused before, such as a test that the
data have too few classes for, leaves no record; without a memory of it, it would be tried again
each time. What is kept counts as long as the recipe, the weights and the test are what they were.
This module imports neither torch nor algorithms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench.files import write_atomically
from bench.recipe import read_recipe
from bench.suite.jobs import chains, log_name
from bench.suite.matching import protocol_of, steps_of
from bench.suite.parts import CommonTest
from bench.suite.state import Found


@dataclass(frozen=True)
class Failure:
    """Why a test could not begin, and a hash of all that this hangs on."""

    reason: str
    basis: str


def remember(logs: Path, tests: Sequence[Found], place: int, common: CommonTest, why: str) -> None:
    """Keeps why a test could not begin; of one that has a record, that has to tell.

    Raises:
        OSError: the folder of the logs cannot be written.
    """
    if tests[place].state == "missing":
        failure = Failure(why, _bases(tests, common)[place])
        write_atomically(_path(logs, tests[place]), msgspec.json.encode(failure) + b"\n")


def forget(logs: Path, one: Found) -> None:
    """Forgets why a test could not begin, as it is about to be tried again."""
    with suppress(OSError):
        _path(logs, one).unlink(missing_ok=True)


def recalled(logs: Path, tests: Sequence[Found], common: CommonTest) -> tuple[Found, ...]:
    """Returns a suite's tests, of which those that could not begin have failed."""
    kept = [_read(_path(logs, one)) if one.state == "missing" else None for one in tests]
    if not any(kept):
        return tuple(tests)
    bases = _bases(tests, common)
    return tuple(
        replace(one, state="failed", note=failure.reason)
        if failure and failure.basis == basis
        else one
        for one, failure, basis in zip(tests, kept, bases, strict=True)
    )


def _path(logs: Path, one: Found) -> Path:
    return logs / f"{log_name(one.test).removesuffix('.log')}.failed.json"


def _read(path: Path) -> Failure | None:
    """Returns what is kept; None if that is nothing, or cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Failure)
    except (OSError, msgspec.MsgspecError):
        return None


def _bases(tests: Sequence[Found], common: CommonTest) -> list[str]:
    """Returns for each test a hash of its recipe, its weights, and what it is asked."""
    bases = [""] * len(tests)
    for chain in chains([one.test for one in tests]):
        weights = tests[chain[0]].record
        outcome = weights.outcome if weights else None
        for place in chain:
            test = tests[place].test
            hangs_on = [
                read_recipe(test.training.recipe).sha256,
                [test.trained, test.seed, steps_of(test)],
                [test.size, test.mode.set],
                protocol_of(test, common) if test.evaluated else None,
                outcome.checkpoint_sha256 if outcome and test.evaluated else "",
            ]
            content = msgspec.json.encode(hangs_on, order="sorted")
            bases[place] = hashlib.sha256(content).hexdigest()
    return bases

"""Result: what came of a test that a suite asks for, and whether it may be counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.leaderboard.entry import Entry
from bench.suite import Test
from bench.suite.state import Found, State


@dataclass(frozen=True)
class Result:
    """A test, the run that it was found in, if any, and its state; `note` says why not `done`.

    Beside the states of bench.suite.state, a finished run is `altered` if its record or its
    episodes are no longer as it wrote them. `refused` says that there is a finished run that does
    not count.
    """

    test: Test
    folder: Path | None
    state: State | Literal["altered"]
    note: str = ""
    refused: bool = False

    @property
    def is_done(self) -> bool:
        """Whether it counts: it is of the suite as it is today, and nothing speaks against it."""
        return self.state == "done"


def results(tests: Sequence[Found], entries: Mapping[Path, Entry]) -> Iterator[Result]:
    """Yields the result of each test; what was tested counts no more than the training does.

    A training comes before the tests of its weights. `entries` has the runs that are done.
    """
    training: Result | None = None
    for one in tests:
        result = _result(one, entries)
        if not one.test.evaluated:
            training = result
        elif training and training.folder and training.refused and result.is_done:
            note = f"its training {training.folder.name}: {training.note}"
            result = Result(one.test, one.folder, training.state, note, refused=True)
        yield result


def _result(one: Found, entries: Mapping[Path, Entry]) -> Result:
    if one.folder and one.state == "done" and (altered := entries[one.folder].altered):
        return Result(one.test, one.folder, "altered", altered, refused=True)
    finished = one.record is not None and one.record.status == "complete"
    return Result(one.test, one.folder, one.state, one.note, finished and one.state == "failed")

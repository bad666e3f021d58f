"""Result: what came of a test that a suite asks for, and whether it may be counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.suite import Test
from bench.suite.state import Found, State


@dataclass(frozen=True)
class Result:
    """A test, the run that it was found in, if any, and its state; `note` says why not `done`.

    `refused` says that there is a finished run that does not count.
    """

    test: Test
    folder: Path | None
    state: State
    note: str = ""
    refused: bool = False

    @property
    def is_done(self) -> bool:
        """Whether it counts: it is of the suite as it is today, and nothing speaks against it."""
        return self.state == "done"


def results(tests: Sequence[Found]) -> Iterator[Result]:
    """Yields the result of each test; what was tested counts no more than the training does.

    A training comes before the tests of its weights.
    """
    training: Result | None = None
    for one in tests:
        result = _result(one)
        if not one.test.evaluated:
            training = result
        elif training and training.folder and training.refused and result.is_done:
            note = f"its training {training.folder.name}: {training.note}"
            result = Result(one.test, one.folder, training.state, note, refused=True)
        yield result


def _result(one: Found) -> Result:
    finished = one.record is not None and one.record.status == "complete"
    refused = finished and one.state in ("failed", "altered")
    return Result(one.test, one.folder, one.state, one.note, refused)

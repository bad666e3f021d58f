"""The state of a suite: which of its tests are done, cut, failed, altered, outdated, or missing.

This module imports neither torch nor algorithms.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from bench.badge import read_failure
from bench.errors import BenchError
from bench.leaderboard.entry import Entry, read_entry
from bench.recipe import read_recipe
from bench.results import STATE_FILE, RunRecord, find_runs
from bench.suite.matching import is_test, kinship, protocol_of
from bench.suite.parts import Suite, Test
from bench.suite.rows import tests_of

State = Literal["done", "cut", "failed", "altered", "missing", "outdated"]
"""A finished run is `altered` if its record or its episodes are no longer as it wrote them."""
_CHANGED = "the recipe has changed"
_LONGEST_HEADER = 100_000_000
"""Bytes; the format of checkpoints allows no more."""


@dataclass(frozen=True)
class Found:
    """A test and the run that it was found in, if any; `note` says why it is not done."""

    test: Test
    folder: Path | None
    record: RunRecord | None
    state: State
    note: str = ""


def found(suite: Suite, folder: Path) -> tuple[Found, ...]:
    """Looks for every test of a suite among the runs below a folder; keeps the suite's order.

    Raises:
        BenchError: a record is damaged, or of another version.
    """
    runs, damaged = runs_below(folder)
    if damaged:
        raise BenchError(f"{damaged[0]}; put it right, or delete that run's folder")
    return found_among(suite, runs)


def runs_below(folder: Path) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Reads all runs below a folder; returns them, and a line for each that cannot be read."""
    runs: list[Entry] = []
    damaged: list[str] = []
    for path in find_runs(folder):
        try:
            runs.append(read_entry(path))
        except BenchError as error:
            damaged.append(str(error))
    return tuple(runs), tuple(damaged)


def found_among(suite: Suite, runs: Sequence[Entry]) -> tuple[Found, ...]:
    """Looks for every test of a suite among runs; keeps the suite's order."""
    return tuple(_found(suite, runs))


def _found(suite: Suite, runs: Sequence[Entry]) -> Iterator[Found]:
    """Yields what was found; a training comes before the tests of its weights."""
    training: Found | None = None
    for test in tests_of(suite):
        if not test.evaluated:
            training = _training(test, runs)
            yield training
        elif training is not None:
            yield _evaluation(suite, test, training, runs)


def _training(test: Test, runs: Sequence[Entry]) -> Found:
    recipe = read_recipe(test.training.recipe)
    kin = [(kinship(run.record, recipe, test), run) for run in runs]
    same = [judged(test, run) for kind, run in kin if kind == "same"]
    if same:
        return _best(same)
    for kind, run in kin:
        if kind == "older":
            return Found(test, run.folder, run.record, "outdated", _CHANGED)
    return Found(test, None, None, "missing")


def _evaluation(suite: Suite, test: Test, training: Found, runs: Sequence[Entry]) -> Found:
    trained = training.record
    if trained is None or trained.status != "complete":
        return Found(test, None, None, "missing", "its training comes first")
    wanted = protocol_of(test, suite.test)
    same = [judged(test, run) for run in runs if is_test(run.record, test, wanted, trained)]
    if not same:
        note = f"of its training, {_CHANGED}" if training.state == "outdated" else ""
        return Found(test, None, None, "missing", note)
    best = _best(same)
    if training.state == "outdated":
        return Found(test, best.folder, best.record, "outdated", _CHANGED)
    return best


def _best(runs: Sequence[Found]) -> Found:
    """Returns the run that has come furthest, of several of one test."""
    order: tuple[State, ...] = ("done", "cut", "failed", "altered")
    return min(runs, key=lambda run: order.index(run.state))


def judged(test: Test, run: Entry) -> Found:
    """Returns a test with a run of it, and what is to be said of that run."""
    record = run.record
    if record.status == "complete" and run.altered:
        return Found(test, run.folder, record, "altered", run.altered)
    if record.audit and record.audit.errors:
        return Found(test, run.folder, record, "failed", f"the audit: {record.audit.errors[0]}")
    if record.status == "complete":
        refuted = refutation(run.folder)
        return Found(test, run.folder, record, "failed" if refuted else "done", refuted)
    if record.status == "failed":
        return Found(test, run.folder, record, "failed", record.error)
    if test.evaluated:
        return Found(test, run.folder, record, "cut", "in the test")
    step, steps = step_of(run.folder), record.training.steps
    note = f"at step {step} of {steps}" if step < steps else "after training"
    if record.status == "running":
        note += ", or still at work"  # a process that is killed cannot say so
    return Found(test, run.folder, record, "cut", note)


def refutation(folder: Path) -> str:
    """Returns what the last `bench verify` of a run found wrong with it; '' if nothing."""
    try:
        failure = read_failure(folder)
    except BenchError as error:
        return str(error)
    if failure is None:
        return ""
    wrong = [figure.name for figure in failure.figures if figure.verdict == "differs"]
    others = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f"bench verify found another {wrong[0]}{others}" if wrong else "bench verify failed"


def step_of(folder: Path) -> int:
    """Returns the step at which the training in a folder can go on; 0 if it must begin again."""
    try:
        with (folder / STATE_FILE).open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = msgspec.json.decode(file.read(min(length, _LONGEST_HEADER)), type=_Header)
        return msgspec.json.decode(header.metadata["course"], type=_Course).step
    except (OSError, struct.error, KeyError, msgspec.MsgspecError):
        return 0


class _Header(msgspec.Struct):
    """What a file of tensors says before them."""

    metadata: dict[str, str] = msgspec.field(name="__metadata__", default_factory=dict)


class _Course(msgspec.Struct):
    step: int = 0

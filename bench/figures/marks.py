"""Marks: tested methods as a figure shows them, read from the lines of a reproduction table.

No matplotlib and no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.figures.names import Naming, names_of
from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row
from bench.leaderboard.timings import core_seconds
from bench.recipe import size_of
from bench.reproduction.line import Line
from bench.tasks import Metric

Verdict = Literal["inductive", "batch-dependent", "transductive"]


@dataclass(frozen=True)
class Mark:
    """A row of a table: what it is called, what its training cost, and how well it did.

    `core_minutes` are 0.0 if nothing was trained; `low` and `high` are the ends of the interval, in
    the unit of records. `published` is None if no number of the same setting, or of an unclear
    one, was published.
    """

    name: str
    family: str
    core_minutes: float
    mean: float
    low: float
    high: float
    verdict: Verdict
    on_gpu: bool = False
    published: float | None = None


@dataclass(frozen=True)
class Panel:
    """The marks of one test, and what it is called."""

    title: str
    metric: Metric
    marks: tuple[Mark, ...]


def panel_of(size: str, lines: Sequence[Line]) -> Panel | None:
    """Returns the panel of a size with the lines of the test that all share; None without any."""
    shared = [line for line in lines if not line.test.own]
    if not shared:
        return None
    names = names_of([_naming(line) for line in shared])
    marks = [_mark(line, name) for line, name in zip(shared, names, strict=True)]
    return Panel(size_text(size), shared[0].row.metric, tuple(marks))


def size_text(size: str) -> str:
    """Returns a size such as 5w1s for reading."""
    ways, shots = size_of(size)
    return f"{ways}-way {shots}-shot"


def core_minutes(entry: Entry) -> float:
    """Returns the minutes of a core that a training took, of earlier runs those on the clock."""
    return (core_seconds(entry) or 0.0) / 60 if entry.record.training.steps_done else 0.0


def _mark(line: Line, name: str) -> Mark:
    mean = line.row.mean or 0.0
    low, high = _ends(line.row, mean)
    trained = line.trained.entries
    return Mark(
        name,
        line.row.first.record.algorithm.family,
        sum(map(core_minutes, trained)) / len(trained),
        mean,
        low,
        high,
        _verdict(line.row.first),
        any(not entry.record.environment.device.startswith("cpu") for entry in trained),
        line.number.value if line.number and not line.verdict.reason else None,
    )


def _ends(row: Row, mean: float) -> tuple[float, float]:
    outcome = row.first.record.outcome
    if row.over_seeds is None and outcome and outcome.intervals:
        return outcome.intervals[0].low, outcome.intervals[0].high
    return mean - (row.half_width or 0.0), mean + (row.half_width or 0.0)


def _verdict(entry: Entry) -> Verdict:
    """Returns whether queries inform one another, as measured, else as declared."""
    known: tuple[Verdict, ...] = ("inductive", "batch-dependent", "transductive")
    found = [one for one in known if one == entry.measured]
    if found:
        return found[0]
    return "transductive" if entry.declared == "transductive" else "inductive"


def _naming(line: Line) -> Naming:
    test = line.test
    return Naming(
        line.row.first.record.algorithm.name,
        line.recipe.name,
        "" if test.trained == test.size else f"from {size_text(test.trained)}",
        test.mode.name and f"({test.mode.name})",
        aside=_verdict(line.row.first),
    )

"""Marks: tested methods as a figure shows them, read from the rows of a leaderboard.

No matplotlib and no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row
from bench.leaderboard.tables import Leaderboard, Table
from bench.published import Published, published
from bench.results import RunRecord
from bench.suite import CommonTest
from bench.tasks import Metric

Verdict = Literal["inductive", "batch-dependent", "transductive"]


@dataclass(frozen=True)
class Mark:
    """A row of a table: what it is called, what its training cost, and how well it did.

    `core_minutes` are 0.0 if nothing was trained; `low` and `high` are the ends of the interval, in
    the unit of records. `published` is None if no number of the same setting was published.
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
    """The marks of one test, and how it is called."""

    title: str
    ways: int
    metric: Metric
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class _Naming:
    """What can tell a mark from others: method, recipe, settings, and the size trained at."""

    method: str
    recipe: str
    settings: str
    size: str


def panels_of(board: Leaderboard, test: CommonTest | None = None) -> tuple[Panel, ...]:
    """Returns a panel for each table, in the order of ways and shots; with `test` those of it."""
    origins = origins_of(entry.record for table in board.tables for entry in table.entries)
    tables = [
        table
        for table in board.tables
        if any(row.mean is not None for row in table.rows) and _is_of(table, test)
    ]
    tables.sort(key=lambda table: _size(table.entries[0].record))
    return tuple(_panel(table, origins) for table in tables)


def origins_of(records: Iterable[RunRecord]) -> dict[str, RunRecord]:
    """Returns the runs that trained weights, by the sha256 of their checkpoint."""
    return {
        record.outcome.checkpoint_sha256: record
        for record in records
        if record.outcome and not record.weights_from
    }


def core_minutes(record: RunRecord) -> float:
    """Returns the minutes of a core that a training took.

    Earlier runs did not measure these; of them it is the time by the clock for each thread.
    """
    training = record.training
    seconds = training.core_seconds or training.seconds * record.environment.threads
    return seconds / 60 if training.steps_done else 0.0


def size_text(ways: int, shots: int) -> str:
    """Returns ways and shots for reading."""
    return f"{ways}-way {shots}-shot"


def _is_of(table: Table, test: CommonTest | None) -> bool:
    protocol = table.entries[0].record.protocol
    if protocol.kind != "fixed":
        return False
    kept = (protocol.queries, protocol.episodes, protocol.episode_seed)
    return test is None or kept == (test.queries, test.episodes, test.episode_seed)


def _size(record: RunRecord) -> tuple[int, int]:
    return record.protocol.ways, record.protocol.shots


def _panel(table: Table, origins: Mapping[str, RunRecord]) -> Panel:
    rows = [row for row in table.rows if row.mean is not None]
    names = _names([_naming(row, origins) for row in rows], [_verdict(row.first) for row in rows])
    numbers = published()
    marks = [_mark(row, name, origins, numbers) for row, name in zip(rows, names, strict=True)]
    record = rows[0].first.record
    return Panel(size_text(*_size(record)), record.protocol.ways, rows[0].metric, tuple(marks))


def _mark(
    row: Row, name: str, origins: Mapping[str, RunRecord], numbers: Sequence[Published]
) -> Mark:
    record, mean = row.first.record, row.mean or 0.0
    low, high = _ends(row, mean)
    trained = [_origin(entry.record, origins) for entry in row.entries]
    minutes = [core_minutes(one) for one in trained]
    verdict = _verdict(row.first)
    return Mark(
        name,
        record.algorithm.family,
        sum(minutes) / len(minutes),
        mean,
        low,
        high,
        verdict,
        any(not one.environment.device.startswith("cpu") for one in trained),
        _published(record, verdict, row.metric, numbers),
    )


def _ends(row: Row, mean: float) -> tuple[float, float]:
    outcome = row.first.record.outcome
    if row.over_seeds is None and outcome and outcome.intervals:
        return outcome.intervals[0].low, outcome.intervals[0].high
    return mean - (row.half_width or 0.0), mean + (row.half_width or 0.0)


def _origin(record: RunRecord, origins: Mapping[str, RunRecord]) -> RunRecord:
    """Returns the run that trained a run's weights; itself if that one is not there."""
    return origins.get(record.weights_from, record) if record.weights_from else record


def _verdict(entry: Entry) -> Verdict:
    """Returns whether queries inform one another, as measured, else as declared."""
    for known in ("inductive", "batch-dependent", "transductive"):
        if known == (entry.measured or entry.declared):
            return known
    return "transductive" if entry.declared == "transductive" else "inductive"


def _published(
    record: RunRecord, verdict: Verdict, metric: Metric, numbers: Sequence[Published]
) -> float | None:
    """Returns the first published number of the method, in this setting, at this size."""
    wanted = (record.algorithm.name, record.tested.name, *_size(record), metric, verdict)
    for one in numbers:
        if (one.algorithm, one.data, one.ways, one.shots, one.metric, one.setting) == wanted:
            return one.value
    return None


def _naming(row: Row, origins: Mapping[str, RunRecord]) -> _Naming:
    record = row.first.record
    trained = _origin(record, origins)
    method = record.algorithm.name
    size = "" if _size(trained) == _size(record) else f"from {size_text(*_size(trained))}"
    if record.recipe is None:
        settings = row.first.label.removeprefix(method).strip().strip("()")
        return _Naming(method, "", settings, size)
    recipe = record.recipe.name.rpartition("/")[2].removeprefix(method).strip("-")
    was = trained.algorithm.parameters
    changed = (f"{k}={v}" for k, v in record.algorithm.parameters.items() if was.get(k) != v)
    return _Naming(method, recipe, ", ".join(changed), size)


def _names(namings: Sequence[_Naming], verdicts: Sequence[Verdict]) -> list[str]:
    """Returns the method's name, with what sets it apart from others of the same verdict."""
    shown = [_Naming(one.method, "", "", "") for one in namings]
    for part in ("recipe", "size", "settings"):
        keys = [*zip(shown, verdicts, strict=True)]
        for number, (naming, key) in enumerate(zip(namings, keys, strict=True)):
            if keys.count(key) > 1:
                shown[number] = replace(shown[number], **{part: getattr(naming, part)})
    return [" ".join(filter(None, (o.method, o.recipe, o.size, o.settings))) for o in shown]

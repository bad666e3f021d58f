"""Wide: all tables as one, a row for each method and a column for each test.

There is no average over columns: tests are not alike, and seldom has every row all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.leaderboard.methods import Method, Place, method_of, told_apart
from bench.leaderboard.row import Row
from bench.leaderboard.sections import TITLES, UNFINISHED, Section
from bench.leaderboard.standing import Standing
from bench.leaderboard.tables import Leaderboard, Table
from bench.leaderboard.variants import Variants
from bench.results import RunRecord
from bench.tasks import Metric


@dataclass(frozen=True)
class Column:
    """A test: its short name, which no other column has, and a record of a run on it.

    `trained_on` has what rows were trained on if it is other data for any, by name.
    """

    name: str
    record: RunRecord
    metric: Metric
    trained_on: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """A row of one table, and its standing there.

    `best` says that it is the best of its part of the column or cannot be told from it.
    """

    row: Row
    standing: Standing | None
    best: bool


@dataclass(frozen=True)
class Line:
    """A method, and its cell in each column; None where it has no run."""

    method: Method
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Wide:
    """Columns, the lines by the title of their part, and how many runs have no result."""

    columns: tuple[Column, ...]
    parts: tuple[tuple[str, tuple[Line, ...]], ...]
    unfinished: int

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all parts."""
        return tuple(line for _, lines in self.parts for line in lines)


def wide(board: Leaderboard) -> Wide:
    """Returns the tables of a leaderboard side by side, without runs that did not finish."""
    tables = sorted(
        (table for table in board.tables if any(_finished(table))),
        key=lambda table: _order_of_test(table, board.variants),
    )
    places = [
        place for number, table in enumerate(tables) for place in _places(number, table, board)
    ]
    lines: dict[Method, list[Cell | None]] = {}
    for place in told_apart(places):
        cells = lines.setdefault(place.method, [None] * len(tables))
        cells[place.table] = Cell(place.row, place.standing, place.best)
    found = sorted((Line(method, tuple(cells)) for method, cells in lines.items()), key=_order)
    parts = [(title, tuple(x for x in found if x.method.section == title)) for title in TITLES]
    return Wide(
        _columns(tables, board.variants),
        tuple((title, members) for title, members in parts if members),
        sum(
            len(section.rows)
            for table in board.tables
            for section in table.sections
            if section.title == UNFINISHED
        ),
    )


def _finished(table: Table) -> Iterator[Section]:
    return (section for section in table.sections if section.title != UNFINISHED)


def _order_of_test(table: Table, variants: Variants) -> tuple[str, str, int, str]:
    record = table.entries[0].record
    protocol = record.protocol
    return (variants.label(record.tested), protocol.id, protocol.episodes, protocol.sha256)


def _places(number: int, table: Table, board: Leaderboard) -> Iterator[Place]:
    for section in _finished(table):
        for row, standing in zip(section.rows, section.standings, strict=True):
            method = method_of(section.title, row, board.variants)
            yield Place(number, method, row, standing, _is_best(standing, section))


def _is_best(standing: Standing | None, section: Section) -> bool:
    """Tells whether a row is the best of its section or cannot be told from it.

    Of a row alone nothing is said, nor where it is not known which is told from the best.
    """
    if standing is None or section.standings[0] is None:
        return False
    return standing.leads and sum(one is not None for one in section.standings) > 1


def _order(line: Line) -> tuple[list[tuple[bool, float]], str, str, str]:
    """Orders lines by their first column, best first, those without it by the next."""
    means = []
    for cell in line.cells:
        if cell is None or cell.row.mean is None:
            means.append((True, 0.0))
        else:
            high = cell.row.metric.higher_is_better
            means.append((False, -cell.row.mean if high else cell.row.mean))
    method = line.method
    return (means, method.name, method.backbone, method.trained_on)


def _columns(tables: Sequence[Table], variants: Variants) -> tuple[Column, ...]:
    records = [table.entries[0].record for table in tables]
    metrics = [table.entries[0].metric for table in tables]
    return tuple(
        Column(name, record, metric, _trainings(table, variants))
        for name, record, metric, table in zip(
            _names(records, variants), records, metrics, tables, strict=True
        )
    )


def _names(records: Sequence[RunRecord], variants: Variants) -> list[str]:
    """Returns a name for each test, with as much of what sets it apart as is needed."""
    names = [f"{variants.label(record.tested)}, {record.protocol.id}" for record in records]
    details = [
        (
            f"{record.protocol.episodes} episodes",
            f"list {record.protocol.sha256[:8]}",
            f"data {record.tested.fingerprint[:8]}",
        )
        for record in records
    ]
    for kind in range(3):
        same = [
            [i for i, other in enumerate(names) if other == name and len(names) > 1]
            for name in names
        ]
        differ = [len({details[i][kind] for i in group}) > 1 for group in same]
        names = [
            f"{name}, {detail[kind]}" if told else name
            for name, detail, told in zip(names, details, differ, strict=True)
        ]
    return names


def _trainings(table: Table, variants: Variants) -> tuple[str, ...]:
    rows = [row for section in _finished(table) for row in section.rows]
    if not any(row.first.record.test_data for row in rows):
        return ()
    return tuple(sorted({variants.label(row.first.record.data) for row in rows}))

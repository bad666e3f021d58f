"""Beside: published numbers next to what was measured here, and how far apart they are."""

from __future__ import annotations

from typing import NamedTuple

from bench.leaderboard.row import Row
from bench.leaderboard.tables import Table
from bench.published import Published, published

TITLE = "published beside measured: other protocols, other episodes, no ranking"
FIXED = "fixed"
"""The kind of protocol that papers on these datasets use."""


class Beside(NamedTuple):
    """A title, a line for each published number of a method in the table, and a note."""

    title: str
    lines: list[dict[str, str]]
    note: str


def beside(table: Table) -> Beside:
    """Returns the published numbers of a table's data, ways and shots beside its rows."""
    rows = [row for row in table.rows if row.mean is not None]
    numbers = [number for number in published() if _is_about(number, table)]
    lines = [
        _line(number, row)
        for row in rows
        for number in numbers
        if number.algorithm == row.first.record.algorithm.name
    ]
    measured = {row.first.record.algorithm.name for row in rows}
    others = sum(number.algorithm not in measured for number in numbers)
    data = table.entries[0].record.tested.name
    if not numbers:
        return Beside(TITLE, lines, f"no published numbers for {data} by this protocol are known")
    note = (
        f"{others} published numbers are of methods that are not in the table: " if others else ""
    )
    return Beside(TITLE, lines, f"{note}bench published --data {data} has all, with notes")


def _is_about(number: Published, table: Table) -> bool:
    record = table.entries[0].record
    protocol = record.protocol
    return (
        protocol.kind == FIXED
        and number.data == record.tested.name
        and number.metric == table.entries[0].metric
        and number.ways in (None, protocol.ways)
        and number.shots == protocol.shots
    )


def _line(number: Published, row: Row) -> dict[str, str]:
    metric, mean = row.metric, row.mean or 0.0
    return {
        "method": row.first.label,
        "published": number.text,
        "ours": metric.text(mean, row.half_width).replace(metric.unit, "", 1),
        "difference": f"{metric.factor * (mean - number.value):+.{metric.places}f}",
        "setting, published": number.setting,
        "setting, ours": row.first.setting,
        "backbone, published": number.backbone,
        "backbone, ours": row.first.record.algorithm.backbone or "-",
        "source": f"{number.method}: {number.source}",
    }

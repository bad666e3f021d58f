"""Widetext: the wide table as text, for reading or for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from bench.comparison.rope import size_of, words
from bench.leaderboard.figure import short_figure
from bench.leaderboard.markup import Cells, Reading, cell, listing, marked_grid, note
from bench.leaderboard.plain import Value
from bench.leaderboard.rendering import Format
from bench.leaderboard.standing import BY_SEED
from bench.leaderboard.wide import Cell, Column, Line, Wide

OWN = "the same data"
"""What a row was trained on if it was on the data that it was tested on."""


def render_wide(table: Wide, form: Format) -> str:
    """Returns the table as text; CSV and JSON hold plain numbers."""
    if form == "csv":
        return _csv(table)
    if form == "json":
        return _json(table)
    about = [f"{_heading(column, table)}: {_about(column)}" for column in table.columns]
    notes = [note(line, form) for line in _legend(table)]
    return "\n\n".join([_grid(table, form), listing(about, form), *notes])


def _grid(table: Wide, form: Reading) -> str:
    lines: list[Cells] = []
    for title, members in table.parts:
        names = [_names(line, table) for line in members]
        blank = dict.fromkeys(
            (*names[0], *(_heading(column, table) for column in table.columns)), ""
        )
        lines.append(blank | {"method": cell(title, form, aside=True)})
        for line, name in zip(members, names, strict=True):
            own = {key: cell(text, form) for key, text in name.items()}
            lines.append(own | _figures(line, table, form))
    return marked_grid([{cell(k, form): text for k, text in line.items()} for line in lines], form)


def _names(line: Line, table: Wide) -> Cells:
    """Returns what says which method a line is of; nothing that all lines lack."""
    method = line.method
    names = {"method": method.name, "backbone": method.backbone or "-"}
    if any(other.method.trained_on for other in table.lines):
        names["trained on"] = method.trained_on or OWN
    return names


def _heading(column: Column, table: Wide) -> str:
    """Returns the name of a test, with what it is judged by unless that is the same for all."""
    alike = all(other.metric == column.metric for other in table.columns)
    return column.name if alike else f"{column.name}, {column.metric.heading}"


def _figures(line: Line, table: Wide, form: Reading) -> Cells:
    both = zip(table.columns, line.cells, strict=True)
    return {
        _heading(column, table): cell(_figure(one), form, strong=one.best) if one else ""
        for column, one in both
    }


def _figure(one: Cell) -> str:
    failed = " (failed verification)" if one.row.verified == "failed" else ""
    return short_figure(one.row) + failed


def _about(column: Column) -> str:
    """Returns what there is to know of a column."""
    protocol = column.record.protocol
    text = (
        f"{column.metric.heading}, {protocol.episodes} test episodes "
        f"(episodes {protocol.sha256[:8]})"
    )
    if protocol.kind == "folds":
        text += ", ± over examples of these classes"
    if column.trained_on:
        text += f"; trained on {' or '.join(column.trained_on)}"
    return text


def _legend(table: Wide) -> Iterator[str]:
    cells = [one for line in table.lines for one in line.cells if one]
    several = any(one.row.over_seeds for one in cells)
    yield (
        "±: the 95% interval, over episodes drawn from these test examples"
        + ("; of several seeds: over trainings (Student t)" if several else "")
        + ". A figure of one seed speaks of that one training. An empty cell: no run."
    )
    if any(one.best for one in cells):
        metrics = {column.metric.name: column.metric for column in table.columns}
        limits = " or ".join(words(one, size_of(one, None)) for one in metrics.values())
        seeds = f" ({BY_SEED})" if several else ""
        yield (
            "bold: the best of a column within its part of the table, and those that cannot be "
            "told from it; of a row that is alone there nothing is said. Told apart: paired t "
            f"test on the same episodes{seeds}, p < 0.05 after Holm's correction over all pairs, "
            f"and apart by more than {limits}."
        )
    if table.unfinished:
        yield f"Runs without a result are left out: {table.unfinished}."


def _csv(table: Wide) -> str:
    """Returns a line for each method, and three columns for each test."""
    text = io.StringIO()
    tests = [
        f"{column.name}{what}"
        for column in table.columns
        for what in ("", ", half_width_95", ", best")
    ]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["section", "method", "backbone", "trained_on", *tests])
    for line in table.lines:
        values = [
            value
            for one in line.cells
            for value in ((one.row.mean, one.row.half_width, one.best) if one else (None,) * 3)
        ]
        writer.writerow([*_identity(line).values(), *values])
    return text.getvalue().rstrip("\n")


def _json(table: Wide) -> str:
    """Returns the tests, and the rows with a cell by the name of each test that they have."""
    rows = [
        _identity(line)
        | {
            "cells": {
                column.name: _plain(one)
                for column, one in zip(table.columns, line.cells, strict=True)
                if one
            }
        }
        for line in table.lines
    ]
    content = {"tests": [_test(column) for column in table.columns], "rows": rows}
    return json.dumps(content, indent=2, ensure_ascii=False)


def _identity(line: Line) -> dict[str, str | None]:
    method = line.method
    return {
        "section": method.section,
        "method": method.name,
        "backbone": method.backbone or None,
        "trained_on": method.trained_on or None,
    }


def _plain(one: Cell) -> dict[str, Value | list[int]]:
    return {
        "mean": one.row.mean,
        "half_width_95": one.row.half_width,
        "half_width_over": "seeds" if one.row.over_seeds else "episodes",
        "seeds": [*one.row.seeds],
        "group": one.standing.group if one.standing else None,
        "best": one.best,
        "verified": one.row.verified or None,
    }


def _test(column: Column) -> dict[str, object]:
    record = column.record
    return {
        "name": column.name,
        "data": record.tested.name,
        "parameters": record.tested.parameters,
        "reshaped": record.tested.reshaped or None,
        "protocol": record.protocol.id,
        "episodes": record.protocol.episodes,
        "episodes_sha256": record.protocol.sha256,
        "metric": column.metric.name,
        "trained_on": [*column.trained_on] or None,
    }

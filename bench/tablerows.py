"""Table rows: what a CSV, TSV or JSON-lines file holds, row by row, as texts by column."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError, nearest

DELIMITED = (".csv", ".tsv")
JSON_LINES = (".jsonl", ".ndjson")
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class TableRow:
    """One row: its number as spreadsheets count, the header being row 1, and its cells by column.

    Columns are in lower case, cells without the space around them. A row of JSON lines has the
    number of its line.
    """

    number: int
    cells: dict[str, str]


def read_rows(path: Path, needed: Sequence[str]) -> list[TableRow]:
    """Returns the rows of a table whose columns `needed` are all there and filled everywhere.

    Of other columns cells may be absent. Delimiters are comma, semicolon or tab, whichever gives
    the columns; the encoding is UTF-8.

    Raises:
        BenchError: it cannot be read, is in another encoding or empty, or a column or cell is
            missing; it names the row.
    """
    if path.suffix.lower() not in (*DELIMITED, *JSON_LINES):
        known = ", ".join((*DELIMITED, *JSON_LINES))
        raise BenchError(f"{path} is no table that can be read; known by their endings: {known}")
    text = _text(path)
    lines = path.suffix.lower() in JSON_LINES
    rows = list(_of_json_lines(path, text) if lines else _delimited(path, text, needed))
    if not rows:
        raise BenchError(f"{path} has no rows; give it one for each item")
    for row in rows:
        _check_filled(path, row, needed)
    return rows


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error})") from error
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BenchError(f"{path} is in UTF-16; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        raise BenchError(
            f"{path} is not in UTF-8: line {line} has a byte 0x{byte:02x} that cannot be; save the "
            "whole table as UTF-8"
        ) from None
    if "\0" in text:
        raise BenchError(
            f"{path} is no table: line {text.count(chr(10), 0, text.index(chr(0))) + 1}"
            " has a zero byte"
        )
    return text


def _delimited(path: Path, text: str, needed: Sequence[str]) -> Iterator[TableRow]:
    header = text.split("\n", 1)[0].rstrip("\r")
    if not header.strip():
        if text.strip():
            raise BenchError(f"{path} begins with an empty line; the first line names the columns")
        return
    found = {mark: _names(next(csv.reader([header], delimiter=mark))) for mark in _DELIMITERS}
    mark = max(_DELIMITERS, key=lambda m: (len(set(needed) & set(found[m])), len(found[m])))
    names = found[mark]
    _check_columns(path, names, needed)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if number > 1 and any(cell.strip() for cell in cells):
                yield TableRow(number, _by_column(path, number, names, cells))
    except csv.Error as error:
        raise BenchError(
            f"{path} cannot be read after row {number} ({error}); put a cell with the delimiter in "
            'it into "quotation marks", and double those that it has'
        ) from error


def _names(cells: list[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _by_column(path: Path, number: int, names: list[str], cells: list[str]) -> dict[str, str]:
    if any(cell.strip() for cell in cells[len(names) :]):
        raise BenchError(
            f"row {number} of {path} has {len(cells)} cells, but there are {len(names)} columns; "
            'put a cell with the delimiter in it into "quotation marks"'
        )
    return {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name}


def _check_columns(path: Path, names: Sequence[str], needed: Sequence[str]) -> None:
    """Raises BenchError if a needed column is missing, or two have one name."""
    for name in needed:
        if name not in names:
            known = ", ".join(sorted(filter(None, names)))
            raise BenchError(
                f"{path} has no column '{name}'; rename the one that it is; known: {known}"
            )
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise BenchError(f"{path} has two columns '{twice[0]}'; rename one")


def _of_json_lines(path: Path, text: str) -> Iterator[TableRow]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise BenchError(f"line {number} of {path} is no JSON ({error})") from None
        if not isinstance(value, dict):
            raise BenchError(
                f'line {number} of {path} is no JSON object; write it as {{"class": "..."}}'
            )
        yield TableRow(number, {key.lower(): _cell(path, number, key, value[key]) for key in value})


def _cell(path: Path, number: int, key: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return ""  # some other column, which nobody asks for, or the check for empty cells tells
    return str(value).strip()


def _check_filled(path: Path, row: TableRow, needed: Sequence[str]) -> None:
    for name in needed:
        if name not in row.cells and path.suffix.lower() in JSON_LINES:
            raise BenchError(
                f"line {row.number} of {path} has no '{name}'; {nearest(name, row.cells)}"
            )
        if not row.cells.get(name):
            raise BenchError(f"row {row.number} of {path} has an empty cell in column '{name}'")

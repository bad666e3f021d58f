"""Tables for reading that fit the terminal: long columns are wrapped, the others never."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

GAP = 2
"""Spaces between two columns."""
HEADER = 2
"""Spaces that tabulate puts beside a heading, at least."""
NARROWEST = 16
"""No column is wrapped to fewer characters, however narrow the terminal."""


def table(rows: Sequence[Mapping[str, object]], wrapped: Sequence[str]) -> str:
    """Returns rows as a table; the columns in `wrapped` share what the others leave of a line.

    A line is as long as the terminal is wide; 80 characters where there is none.
    """
    from tabulate import tabulate

    if not rows:
        return "none"
    texts = [{name: str(value) for name, value in row.items()} for row in rows]
    natural = {
        name: max(len(name) + HEADER, *(len(row[name]) for row in texts)) for name in texts[0]
    }
    widths = _share(natural, wrapped, shutil.get_terminal_size((80, 24)).columns)
    return str(tabulate(texts, headers="keys", maxcolwidths=widths, disable_numparse=True))


def _share(natural: Mapping[str, int], wrapped: Sequence[str], line: int) -> list[int | None]:
    """Returns the width of each column, None for those that keep their own.

    A wrapped column that needs less than an equal share leaves the rest to the others.
    """
    kept = sum(width for name, width in natural.items() if name not in wrapped)
    left = line - kept - GAP * (len(natural) - 1)
    widths: dict[str, int] = {}
    todo = sorted(wrapped, key=natural.__getitem__)
    for number, name in enumerate(todo):
        widths[name] = min(natural[name], max(NARROWEST, left // (len(todo) - number)))
        left -= widths[name]
    return [widths.get(name) for name in natural]

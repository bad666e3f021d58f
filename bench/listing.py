"""Listings: tables of a user's items, each with its class and, if wanted, its split and group."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.classsplit import named_split
from bench.dataset import Split
from bench.errors import BenchError
from bench.tablerows import TableRow, read_rows

Repeats = Literal["refuse", "drop"]
SHOWN = 60
"""Characters of an item that a message shows."""


@dataclass(frozen=True)
class ListedItem:
    """One row: the item, such as a path or a text, its class, and its split and group if given."""

    item: str
    class_name: str
    split: Split | None = None
    group: str = ""
    row: int = 0


@dataclass(frozen=True)
class Listing:
    """The rows of a table, in order; `path` is where it was read.

    `dropped` counts rows that repeated an earlier one and were left out.
    """

    path: Path
    items: tuple[ListedItem, ...]
    dropped: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, each once, sorted."""
        return tuple(sorted({one.class_name for one in self.items}))

    @property
    def splits(self) -> dict[str, Split] | None:
        """The split of each class; None if the table has no such column.

        Raises:
            BenchError: a class is in two splits, or only some rows have one.
        """
        without = [one for one in self.items if one.split is None]
        if len(without) == len(self.items):
            return None
        if without:
            raise BenchError(
                f"{len(without)} of {len(self.items)} rows of {self.path} have no split, such as "
                f"row {without[0].row}; fill in the column or leave it out"
            )
        first: dict[str, ListedItem] = {}
        for one in self.items:
            other = first.setdefault(one.class_name, one)
            if other.split != one.split:
                raise BenchError(
                    f"{self.path} has class '{one.class_name}' in {other.split} (row {other.row}) "
                    f"and in {one.split} (row {one.row}); a class belongs to one split, unless "
                    "classes are fixed: --set data.classes=fixed"
                )
        return {name: one.split for name, one in first.items() if one.split}


def read_listing(path: Path, item: str, repeats: Repeats = "refuse") -> Listing:
    """Reads a CSV, TSV or JSON-lines table: columns `item`, class and, optional, split and group.

    Class names are normalised (NFC), so that one name spelled in two ways is one class. A row whose
    item and class an earlier row has is refused, or left out where `repeats` is "drop".

    Raises:
        BenchError: it cannot be read, a column is missing, a row is not complete, or an item
            stands there twice or in two classes.
    """
    first: dict[str, ListedItem] = {}
    dropped: list[tuple[ListedItem, ListedItem]] = []
    for row in read_rows(path, (item, "class")):
        one = _item(path, row, item)
        other = first.setdefault(one.item, one)
        if other.class_name != one.class_name:
            raise BenchError(
                f"{path} has '{shown(one.item)}' as '{other.class_name}' (row {other.row}) and as "
                f"'{one.class_name}' (row {one.row}); an item has one class"
            )
        if other is not one:
            dropped.append((other, one))
    if dropped and repeats == "refuse":
        other, one = dropped[0]
        more = f", and {len(dropped) - 1} more rows repeat others" if len(dropped) > 1 else ""
        raise BenchError(
            f"row {one.row} of {path} repeats row {other.row} ('{shown(one.item)}'){more}; remove "
            "repeated rows"
        )
    return Listing(path, tuple(first.values()), len(dropped))


def shown(item: str) -> str:
    """Returns an item as a message shows it: in one line, and not too long."""
    line = " ".join(item.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}..."


def _item(path: Path, row: TableRow, item: str) -> ListedItem:
    split = row.cells.get("split", "")
    return ListedItem(
        row.cells[item],
        unicodedata.normalize("NFC", row.cells["class"]),
        named_split(split, f"row {row.number} of {path}") if split else None,
        row.cells.get("group", ""),
        row.number,
    )

"""Listings: tables of a user's items, each with its class and, if wanted, its split and group."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.dataset import Split, as_split


@dataclass(frozen=True)
class ListedItem:
    """One row: the item, such as a path or a text, its class, and its split and group if given."""

    item: str
    class_name: str
    split: Split | None = None
    group: str = ""


@dataclass(frozen=True)
class Listing:
    """The rows of a table, in order; `path` is where it was read."""

    path: Path
    items: tuple[ListedItem, ...]

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
        if all(one.split is None for one in self.items):
            return None
        return {one.class_name: one.split for one in self.items if one.split}


def read_listing(path: Path, item: str) -> Listing:
    """Reads a CSV, TSV or JSON-lines table: columns `item`, class and, optional, split and group.

    Raises:
        BenchError: it cannot be read, a column is missing, or a row is not complete.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    columns = table.columns
    return Listing(
        path,
        tuple(
            ListedItem(
                row[item],
                row["class"],
                as_split(row["split"]) if "split" in columns else None,
                row.get("group", ""),
            )
            for _, row in table.iterrows()
        ),
    )

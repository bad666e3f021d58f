"""Class splits: which class is for training, validation or test; drawn by seed, kept in a file."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.dataset import Split, as_split
from bench.errors import BenchError
from bench.files import write_atomically


def draw_split(classes: Iterable[str], seed: int) -> dict[str, Split]:
    """Returns the split of each class: the same for the same names and seed, everywhere.

    Raises:
        BenchError: there are too few classes to be split.
    """
    ordered = sorted(set(classes), key=lambda c: hashlib.sha256(f"{seed}/{c}".encode()).digest())
    test = max(1, round(len(ordered) * 0.25))
    val = max(1, round(len(ordered) * 0.15))
    if len(ordered) < 3:
        raise BenchError(f"{len(ordered)} classes cannot be split into train, val and test")
    splits: dict[str, Split] = dict.fromkeys(ordered, "train")
    splits |= dict.fromkeys(ordered[:test], "test")
    splits |= dict.fromkeys(ordered[test : test + val], "val")
    return splits


def write_split(path: Path, splits: Mapping[str, Split]) -> None:
    """Writes a class split as a CSV file with the columns class and split."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("class", "split"), *sorted(splits.items())])
    write_atomically(path, text.getvalue().encode())


def read_split(path: Path, classes: Iterable[str]) -> dict[str, Split]:
    """Reads a class split for exactly these classes.

    Raises:
        BenchError: it cannot be read, or names classes that are not there, or misses some.
    """
    with path.open(encoding="utf-8", newline="") as file:
        found = {row["class"]: as_split(row["split"]) for row in csv.DictReader(file)}
    if set(found) != set(classes):
        raise BenchError(f"{path} is for other classes")
    return found

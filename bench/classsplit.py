"""Class splits: which class is for training, validation or test; drawn by seed, kept in a file."""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from bench.dataset import DataFiles, Split
from bench.errors import BenchError, nearest
from bench.files import write_atomically
from bench.tablerows import read_rows

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
"""What users call the splits; capitals make no difference."""

WAYS = 5
"""As many classes as episodes usually have: fewer are of little use in a split."""
TEST_SHARE, VAL_SHARE = 0.20, 0.16
"""The shares of mini-ImageNet (Ravi, Larochelle 2017): 64, 16 and 20 of 100 classes."""
LEAST = 4
"""Classes that can be divided at all: two to train, two to test."""


@runtime_checkable
class Divisible(Protocol):
    """A dataset whose classes can be named, and so divided, before their examples are read."""

    def class_sizes(self, files: DataFiles) -> dict[str, int]:
        """Returns the classes that a split divides, with the number of their examples."""


def named_split(text: str, where: str) -> Split:
    """Returns the split of that name; raises BenchError, which says `where`, if there is none."""
    found = SPLIT_NAMES.get(text.strip().lower())
    if found is None:
        raise BenchError(f"{where} has the split '{text}'; {nearest(text, SPLIT_NAMES)}")
    return found


def draw_split(classes: Iterable[str], seed: int) -> dict[str, Split]:
    """Returns the split of each class, by name: the same for the same names and seed, everywhere.

    Large sets are divided as mini-ImageNet is. Test gets at least 5 classes, so that its episodes
    have the usual 5 ways, and so does val; where train would keep fewer than 10, val gets none.
    Fewer than 8 classes are halved between train and test.

    Raises:
        BenchError: there are too few classes to be divided.
    """
    names = set(classes)
    ordered = sorted(names, key=lambda c: hashlib.sha256(f"{seed}/{c}".encode()).digest())
    test, val = _sizes(len(ordered))
    drawn: dict[str, Split] = {
        name: "test" if place < test else "val" if place < test + val else "train"
        for place, name in enumerate(ordered)
    }
    return dict(sorted(drawn.items()))


def _sizes(classes: int) -> tuple[int, int]:
    """Returns how many classes are for test, and for validation."""
    if classes < LEAST:
        few = "1 class" if classes == 1 else f"{classes} classes"
        raise BenchError(
            f"{few} cannot be divided into train and test, which share no class: that takes "
            f"{LEAST}; to test on all of them, and learn elsewhere or not at all, add "
            "--set data.classes=fixed"
        )
    if classes < WAYS + 3:
        return classes // 2, 0
    if classes < 4 * WAYS:
        return WAYS, 0
    return max(WAYS, round(TEST_SHARE * classes)), max(WAYS, round(VAL_SHARE * classes))


def write_split(path: Path, splits: Mapping[str, Split]) -> None:
    """Writes a class split as a CSV file with the columns class and split."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("class", "split"), *sorted(splits.items())])
    try:
        write_atomically(path, text.getvalue().encode())
    except OSError as error:
        raise BenchError(f"cannot write {path} ({error.strerror or error})") from error


def read_split(
    path: Path, classes: Iterable[str], left_out: Collection[str] = ()
) -> dict[str, Split]:
    """Reads a class split, from the columns class and split of a table, for exactly these classes.

    The file may name those in `left_out` as well; they are not returned.

    Raises:
        BenchError: it cannot be read, names classes that are not there or one in two splits, or
            misses some.
    """
    wanted, found, rows = set(classes), dict[str, Split](), dict[str, int]()
    for row in read_rows(path, ("class", "split")):
        name = unicodedata.normalize("NFC", row.cells["class"])
        split = named_split(row.cells["split"], f"row {row.number} of {path}")
        if found.setdefault(name, split) != split:
            raise BenchError(
                f"{path} has class '{name}' in {found[name]} (row {rows[name]}) and in {split} "
                f"(row {row.number}); a class belongs to one split"
            )
        rows.setdefault(name, row.number)
    unknown = sorted(set(found) - wanted - set(left_out))
    if unknown:
        others = f" and {len(unknown) - 1} more that are not there" if len(unknown) > 1 else ""
        raise BenchError(
            f"{path} names class '{unknown[0]}'{others}; {nearest(unknown[0], wanted)}"
        )
    missing = sorted(wanted - set(found))
    if missing:
        named = ", ".join(f"'{name}'" for name in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise BenchError(
            f"{path} has no split for {len(missing)} of {len(wanted)} classes: {named}{more}; add "
            "them, or draw another: bench data split"
        )
    return {name: found[name] for name in sorted(wanted)}

"""Your own features: vectors that any model made, with the class of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench import BenchError, ClassExamples, DataFiles, Dataset, EpisodeProtocol, Split, hookimpl

from ._feature_files import FeatureTable, read_features
from ._own_classes import ClassUse, Division, OwnClasses
from ._shared_vectors import SharedVectors


class Features(Dataset):
    """Vectors of your own, from a file of NumPy arrays (.npz), a Parquet file or a table.

    An .npz file has the arrays features (n, d) and labels (n), texts or whole numbers, and split
    and group (n) if wanted. A .parquet, .csv or .tsv file has a column class, split and group if
    wanted, and the features: one column features of lists, or all other columns, of numbers. A
    group is what vectors have in common (the same object, video, author): an episode never knows
    one and asks for another. Vectors are taken as they are, as float32. One that two splits have
    stays in one. Test episodes have 5 queries per class unless you ask for others.

    Args:
        path: the file; it follows the name, as in features:FILE.npz.
        classes: disjoint (train, val and test share no class) or fixed (all classes are in test,
            whatever split they were given, for when these are the classes that matter).
        splits: a file with the columns class and split; it goes before the file's own.
        split_seed: seed of the split that is drawn if none is given.
        least: classes with fewer vectors are left out, and named.
    """

    name = "features"
    backbone = "linear"
    licence = "that of your data"
    protocol = EpisodeProtocol(queries=5)
    opens = "a file of feature vectors"
    locations = ("path", "splits")

    def __init__(
        self,
        *,
        path: str = "",
        classes: ClassUse = "disjoint",
        splits: str = "",
        split_seed: int = 0,
        least: int = 6,
    ) -> None:
        self.path, self.splits = path, splits
        self.division = Division(classes, splits, split_seed, least)
        self._remarks: tuple[str, ...] = ()
        self._count: int | None = None

    def class_count(self) -> int | None:
        return self._count

    def stamp(self, files: DataFiles) -> str:
        """Returns the file's size and time, and a hash of the file of splits."""
        path = self._given(files)
        state = path.stat()
        own = [path.resolve(), state.st_size, state.st_mtime_ns]
        if self.splits:
            own.append(hashlib.sha256(files.given(self.splits).read_bytes()).hexdigest())
        return " ".join(map(str, own))

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        table = read_features(self._given(files))
        rows = _rows(table)
        own = self._own(table, rows)
        divided = self.division.of(own, files)
        self._count = len(divided.splits)
        shared = SharedVectors()
        yield from shared.left_out(
            ClassExamples(
                name,
                split,
                table.vectors[rows[name]],
                groups=tuple(own.groups[name]) if any(own.groups[name]) else None,
            )
            for name, split in divided.splits.items()
        )
        self._remarks = (*table.remarks, *divided.remarks, *shared.remarks())

    def class_sizes(self, files: DataFiles) -> dict[str, int]:
        """Returns the classes that a split divides, with the number of their vectors."""
        table = read_features(self._given(files))
        own = self._own(table, _rows(table))
        return {name: len(own.groups[name]) for name in self.division.large_enough(own)}

    def remarks(self) -> tuple[str, ...]:
        return self._remarks

    def _given(self, files: DataFiles) -> Path:
        if not self.path:
            raise BenchError("features needs a file; name it: features:FILE.npz")
        return files.given(self.path)

    def _own(self, table: FeatureTable, rows: dict[str, np.ndarray]) -> OwnClasses:
        groups = {
            name: [table.groups[row] for row in own] if table.groups else [""] * len(own)
            for name, own in rows.items()
        }
        ignored = self.division.use == "fixed" or self.splits
        given = None if ignored else _split_of_each(table, rows)
        return OwnClasses(str(table.path), "vectors", groups, given)


def _rows(table: FeatureTable) -> dict[str, np.ndarray]:
    """Returns the rows of each class, in order."""
    names, numbers = np.unique(np.array(table.classes), return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    ends = np.cumsum(np.bincount(numbers))
    return dict(zip(names.tolist(), np.split(order, ends[:-1]), strict=True))


def _split_of_each(table: FeatureTable, rows: dict[str, np.ndarray]) -> dict[str, Split] | None:
    if table.splits is None:
        return None
    for name, own in rows.items():
        found = sorted({table.splits[row] for row in own})
        if len(found) > 1:
            raise BenchError(
                f"{table.path} has class '{name}' in {' and in '.join(found)}; a class belongs to "
                "one split, unless classes are fixed: --set data.classes=fixed"
            )
    return {name: table.splits[own[0]] for name, own in rows.items()}


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Features]

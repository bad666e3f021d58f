"""Verification of data: files against their hashes, the cache against the files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.cache import Progress
from bench.dataset import ClassExamples, DataFiles, Dataset, Split
from bench.downloads import Download
from bench.errors import BenchError
from bench.files import sha256_of
from bench.firewall import open_test
from bench.intake import checked_classes
from bench.inventory import files_of
from bench.stored import CachedDataset, SplitRecord

Verdict = Literal["ok", "differs", "not checked"]


@dataclass(frozen=True)
class Finding:
    """What one check found: of which part, with what result, and the words for it."""

    part: str
    verdict: Verdict
    words: str


def verify_files(dataset: Dataset, root: Path) -> Iterator[Finding]:
    """Yields a finding for each file that the dataset names: its hash against the published one."""
    elsewhere = {path.name: path for path in files_of(dataset, root).places}
    for download in dataset.downloads():
        path = root / download.file
        if not path.is_file():
            path = elsewhere.get(path.name, path)
        yield _file(download, root, path)


def _file(download: Download, root: Path, path: Path) -> Finding:
    if not path.is_file():
        place = download.place(root)
        what = f"only {place} is there, unpacked" if download.is_there(root) else "is not there"
        return Finding(download.file, "not checked", what)
    if not download.digest:
        return Finding(download.file, "not checked", "nobody published a hash of it")
    wrong = download.wrong_hash(path)
    if wrong:
        return Finding(download.file, "differs", f"not the published file: {wrong}")
    return Finding(download.file, "ok", f"{download.digest.partition(':')[0]} as published")


def verify_cache(data: CachedDataset) -> Iterator[Finding]:
    """Yields a finding for each file of the cache: size and hash against the description."""
    with open_test("verify", 0):
        for split, record in data.record.splits.items():
            wanted = {f"{split}.bin": record.sha256, f"{split}.groups.bin": record.groups}
            wanted[f"{split}.targets.bin"] = record.targets.sha256 if record.targets else ""
            for name, digest in wanted.items():
                path = data.folder / name
                if not digest:
                    continue
                if not path.is_file():
                    yield Finding(name, "differs", "is missing from the cache")
                elif sha256_of(path) != digest:
                    yield Finding(name, "differs", "was altered since it was written")
                else:
                    yield Finding(name, "ok", "as its description says")


def verify_classes(
    dataset: Dataset, data: CachedDataset, files: DataFiles, progress: Progress
) -> Iterator[Finding]:
    """Yields what of the dataset, read again from its files, differs from the cache.

    If nothing does, the only finding says so.

    Raises:
        BenchError: the files are not there or damaged, or a file of the cache is.
    """
    data.check_sizes()
    with open_test("verify", 0):
        views = {s: _SplitView(s, record, data.folder) for s, record in data.record.splits.items()}
        different = False
        classes = _told(checked_classes(dataset, files), dataset.class_count(), progress)
        for one in classes:
            view = views.get(one.split)
            words = view.difference(one) if view else f"there is no {one.split} split in the cache"
            if words:
                different = True
                yield Finding(one.name, "differs", words)
    for view in views.values():
        if view.left:
            different = True
            yield Finding(view.split, "differs", f"the cache has {view.left} more classes")
    if not different:
        count = sum(len(record.classes) for record in data.record.splits.values())
        words = f"{count:,} read again from the files, the same in the cache"
        yield Finding("classes", "ok", words)


def _told(
    classes: Iterable[ClassExamples], count: int | None, progress: Progress
) -> Iterator[ClassExamples]:
    for done, one in enumerate(classes, 1):
        yield one
        progress(done, count)


@dataclass
class _SplitView:
    """A split of the cache, walked through class by class."""

    split: Split
    record: SplitRecord
    folder: Path
    _number: int = 0
    _row: int = 0
    _numbers: dict[str, int] = field(default_factory=dict)
    _owners: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows, path = self.record.rows, self.folder / f"{self.split}.bin"
        shape = (rows, *self.record.shape)
        self._inputs = np.memmap(path, dtype=self.record.dtype, mode="r", shape=shape)
        self._targets: NDArray[np.float32] | None = None
        self._input_groups: NDArray[np.int64] | None = None
        if self.record.targets:
            path = self.folder / f"{self.split}.targets.bin"
            self._targets = np.fromfile(path, np.float32).reshape(rows, -1)
        if self.record.groups:
            self._input_groups = np.fromfile(self.folder / f"{self.split}.groups.bin", np.int64)

    @property
    def left(self) -> int:
        """How many classes were not asked for."""
        return len(self.record.classes) - self._number

    def difference(self, one: ClassExamples) -> str:
        """Returns in what a class differs from the next of the cache; empty if in nothing."""
        if not self.left:
            return f"the cache has fewer classes in {self.split}"
        name, count = self.record.classes[self._number], self.record.counts[self._number]
        rows = slice(self._row, self._row + count)
        self._number, self._row = self._number + 1, self._row + count
        if one.name != name:
            return f"the cache has '{name}' at this place of {self.split}"
        if len(one.inputs) != count:
            return f"{len(one.inputs)} inputs, in the cache {count}"
        others = _unlike(one.inputs, self._inputs[rows])
        if others:
            return f"{others} of its {count} inputs are not those in the cache"
        if self._targets is not None and one.targets is not None:
            others = _unlike(one.targets, self._targets[rows])
            if others:
                return f"{others} of its {count} targets are not those in the cache"
        return "" if self._grouped_alike(one, rows) else "its groups are not those in the cache"

    def _grouped_alike(self, one: ClassExamples, rows: slice) -> bool:
        """Tells whether the groups of a class, which are texts, are those numbered in the cache."""
        if self._input_groups is None:
            return not any(one.groups or ())
        groups = one.groups or ("",) * len(one.inputs)
        for group, number in zip(groups, self._input_groups[rows].tolist(), strict=True):
            if not group and number in self._owners:  # without a text it is a group of its own
                return False
            if group and self._numbers.setdefault(group, number) != number:
                return False
            if self._owners.setdefault(number, group) != group:
                return False
        return True


def _unlike(one: NDArray[np.generic], other: NDArray[np.generic]) -> int:
    """Returns how many rows of two arrays are not the same bytes."""
    if one.shape != other.shape:
        return len(one)
    flat = [np.ascontiguousarray(a, dtype=other.dtype).reshape(len(a), -1) for a in (one, other)]
    rows: NDArray[np.bool_] = (flat[0] != flat[1]).any(axis=1)
    return int(rows.sum())


def cached(folder: Path) -> CachedDataset | None:
    """Returns what a folder of the cache holds; None if it is not there.

    Raises:
        BenchError: its description is damaged.
    """
    try:
        return CachedDataset.read(folder)
    except FileNotFoundError:
        return None


def check_anything(findings: Iterable[Finding], name: str) -> None:
    """Raises BenchError if nothing at all was checked."""
    if all(one.verdict == "not checked" for one in findings):
        raise BenchError(f"nothing of {name} is here to be verified; bench data fetch {name}")

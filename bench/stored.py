"""Stored datasets: how a dataset lies in the cache, one raw file per split and a description."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.dataset import Dataset, Split
from bench.errors import BenchError
from bench.failures import plugin_code
from bench.firewall import check_open, guard
from bench.parameters import Value
from bench.pool import ClassPool
from bench.protocols.table import ClassTable

DESCRIPTION = "dataset.json"
FORMAT = 1
MEMORY_LIMIT = 1 << 30
"""Splits of more bytes than this are memory-mapped instead of read."""


@dataclass(frozen=True)
class TargetsRecord:
    """The targets of a split, float32 (rows, width), in a raw file of their own."""

    width: int
    sha256: str


@dataclass(frozen=True)
class SplitRecord:
    """What one split holds: class names, images per class, and the bytes of the raw file."""

    classes: tuple[str, ...]
    counts: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str
    sha256: str
    targets: TargetsRecord | None = None
    groups: str = ""
    """The sha256 of the file of groups, int64 (rows,); empty if inputs have none."""

    @property
    def rows(self) -> int:
        """How many inputs there are."""
        return sum(self.counts)

    @property
    def bytes(self) -> int:
        """The size of the raw file."""
        return self.rows * int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class CacheRecord:
    """The description of a cached dataset; `fingerprint` covers all but the remarks."""

    format: int
    name: str
    version: int
    parameters: dict[str, Value]
    splits: dict[Split, SplitRecord]
    fingerprint: str = ""
    remarks: tuple[str, ...] = ()

    def sealed(self) -> CacheRecord:
        """Returns the record with the fingerprint that belongs to it."""
        bare = dataclasses.replace(self, fingerprint="")
        content = msgspec.to_builtins(bare, order="deterministic")
        del content["remarks"]
        for split in content["splits"].values():
            for later in ("targets", "groups"):  # as it was before these existed
                if not split.get(later, ...):
                    del split[later]
        text = msgspec.json.encode(content)
        return dataclasses.replace(bare, fingerprint=hashlib.sha256(text).hexdigest())


@dataclass(frozen=True)
class CachedDataset:
    """A dataset as it lies in the cache; `source` knows what is not kept there: groups."""

    folder: Path
    record: CacheRecord
    source: Dataset | None = None

    @classmethod
    def read(cls, folder: Path) -> CachedDataset:
        """Reads the description of what is in `folder`; raises BenchError if it is damaged."""
        path = folder / DESCRIPTION
        try:
            record = msgspec.json.decode(_content(path), type=CacheRecord)
        except msgspec.MsgspecError as error:
            raise BenchError(
                f"the cache description {path} is damaged ({error}); {_cure(folder)}"
            ) from None
        if record.sealed() != record:
            raise BenchError(f"the cache description {path} was altered; {_cure(folder)}")
        guard(folder)
        return cls(folder, record)

    @property
    def fingerprint(self) -> str:
        """The sha256 of pixels, class lists and parameters: what the test episodes depend on."""
        return self.record.fingerprint

    def check_sizes(self) -> None:
        """Raises BenchError if a split's file is missing or truncated, without reading it."""
        for split, record in self.record.splits.items():
            _check_size(self.folder / f"{split}.bin", record.bytes)
            if record.targets:
                size = record.rows * record.targets.width * 4
                _check_size(self.folder / f"{split}.targets.bin", size)
            if record.groups:
                _check_size(self.folder / f"{split}.groups.bin", record.rows * 8)

    def table(self, split: Split) -> ClassTable:
        """Returns what samplers need to know of a split, without reading it.

        Raises:
            BenchError: there is no such split.
            RunFailed: the dataset failed at naming groups.
        """
        record = self.record.splits.get(split)
        if record is None:
            raise BenchError(f"{self.record.name} has no classes in its {split} split")
        offsets = np.concatenate([[0], np.cumsum(record.counts)]).astype(np.int64)
        groups, input_groups = self._groups(record.classes), self._input_groups(split, record)
        return ClassTable(split, record.classes, offsets, groups, input_groups)

    def _groups(self, classes: tuple[str, ...]) -> tuple[str, ...] | None:
        """Returns the group of each class; None if the dataset knows none."""
        if self.source is None:
            return None
        with plugin_code(self.record.name, "naming groups", "use a smaller dataset"):
            groups = tuple(map(self.source.group, classes))
        return groups if any(groups) else None

    def pool(self, split: Split) -> ClassPool:
        """Reads one split, and no other; a large one is memory-mapped, its bytes not checked.

        The test split can be read only within `bench.firewall.open_test`. Its file is closed again
        afterwards, but a mapped one stays mapped.

        Raises:
            RunFailed: a plugin asked for the test split.
            BenchError: the split is empty, or its file is missing, truncated or altered, or it is
                the test split, and nobody said what for.
        """
        check_open(split)
        record = self.record.splits.get(split)
        if record is None:
            raise BenchError(f"{self.record.name} has no classes in its {split} split")
        path = self.folder / f"{split}.bin"
        _check_size(path, record.bytes)
        shape = (record.rows, *record.shape)
        inputs: NDArray[np.uint8] | NDArray[np.float32]
        if record.bytes > MEMORY_LIMIT:
            with _readable(path):
                inputs = np.memmap(path, dtype=record.dtype, mode="r", shape=shape)
        else:
            inputs = _numbers(path, record.dtype).reshape(shape)
            if hashlib.sha256(inputs.data).hexdigest() != record.sha256:
                raise BenchError(f"the cached file {path} was altered; {_cure(self.folder)}")
        table, targets = self.table(split), self._targets(split, record)
        return ClassPool(
            self.fingerprint,
            split,
            table.classes,
            table.offsets,
            inputs,
            targets,
            table.groups,
            table.input_groups,
        )

    def _input_groups(self, split: Split, record: SplitRecord) -> NDArray[np.int64] | None:
        """Reads the groups of a split's inputs; None if they have none."""
        if not record.groups:
            return None
        path = self.folder / f"{split}.groups.bin"
        _check_size(path, record.rows * 8)
        values = _numbers(path, "int64")
        if hashlib.sha256(values.data).hexdigest() != record.groups:
            raise BenchError(f"the cached file {path} was altered; {_cure(path.parent)}")
        return values

    def _targets(self, split: Split, record: SplitRecord) -> NDArray[np.float32] | None:
        """Reads the targets of a split; None in classification."""
        if record.targets is None:
            return None
        path = self.folder / f"{split}.targets.bin"
        _check_size(path, record.rows * record.targets.width * 4)
        values = _numbers(path, "float32").reshape(-1, record.targets.width)
        if hashlib.sha256(values.data).hexdigest() != record.targets.sha256:
            raise BenchError(f"the cached file {path} was altered; {_cure(path.parent)}")
        return values


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns a failure to read into an error that says what to do."""
    try:
        yield
    except FileNotFoundError:  # of a cache that is not there
        raise
    except OSError as error:
        raise BenchError(
            f"the cached file {path} cannot be read ({error.strerror or error}); set BENCH_CACHE "
            "to a folder of your own"
        ) from error


def _content(path: Path) -> bytes:
    with _readable(path):
        return path.read_bytes()


def _numbers(path: Path, dtype: str) -> NDArray[Any]:
    with _readable(path):
        return np.fromfile(path, dtype=dtype)


def _check_size(path: Path, size: int) -> None:
    """Raises BenchError if a file is missing or not of this size."""
    if not path.is_file() or path.stat().st_size != size:
        raise BenchError(f"the cached file {path} is missing or truncated; {_cure(path.parent)}")


def _cure(folder: Path) -> str:
    return f"delete the folder {folder} and run again to rebuild it"

"""The cache: a dataset's classes, decoded once, one raw file per split beside its description.

The folder appears under its final name only when it is whole; processes that start together wait
for the one that builds it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import filelock
import msgspec
import numpy as np
import platformdirs
from numpy.typing import NDArray

from bench.dataset import SPLITS, ClassExamples, DataFiles, Dataset, Split
from bench.errors import BenchError
from bench.failures import plugin_code
from bench.images import DECODER
from bench.intake import checked_classes
from bench.parameters import Value
from bench.plugincode import code_digest
from bench.stored import (
    DESCRIPTION,
    FORMAT,
    CachedDataset,
    CacheRecord,
    SplitRecord,
    TargetsRecord,
)

Progress = Callable[[int, int | None], None]
"""Called with the number of classes done and the number there are, if that is known."""


def cache_root() -> Path:
    """Returns the folder of all caches: BENCH_CACHE if set, else the user's cache folder."""
    chosen = os.environ.get("BENCH_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("fewshot-bench"))


def open_dataset(
    dataset: Dataset, parameters: Mapping[str, Value], files: DataFiles, progress: Progress
) -> CachedDataset:
    """Returns the dataset from the cache, building it first if it is not there.

    Raises:
        BenchError: the dataset's files are missing or damaged, its splits overlap, or the cache
            folder cannot be written.
    """
    folder = cache_folder(dataset, parameters, files)
    what = _Making(
        dataset.name,
        dataset.version,
        _lasting(dataset, parameters),
        lambda: checked_classes(dataset, files),
        dataset.class_count(),
        dataset.remarks,
    )
    return replace(_open(folder, what, progress), source=dataset)


def cache_folder(dataset: Dataset, parameters: Mapping[str, Value], files: DataFiles) -> Path:
    """Returns the folder that holds the dataset's cache, or will hold it once it is built.

    Raises:
        BenchError: the user's files that it depends on are not there.
    """
    with plugin_code(dataset.name, "looking at its files", "use a smaller dataset"):
        stamp, pictures = dataset.stamp(files), dataset.form() is not None
    key = _key(dataset, _lasting(dataset, parameters), stamp, pictures)
    return cache_root() / "datasets" / f"{dataset.name}-{key}"


def _lasting(dataset: Dataset, parameters: Mapping[str, Value]) -> dict[str, Value]:
    """Returns the parameters that the data depend on, which are all but those of places."""
    return {k: v for k, v in parameters.items() if k not in dataset.locations}


def open_derived(
    name: str,
    version: int,
    parameters: Mapping[str, Value],
    classes: Callable[[], Iterator[ClassExamples]],
    count: int,
    progress: Progress,
) -> CachedDataset:
    """Returns from the cache what was made of other cached data, making it first if need be.

    The parameters name that data and what was done to it; nothing is checked again.

    Raises:
        BenchError: the cache folder cannot be written.
    """
    text = msgspec.json.encode([FORMAT, version, sorted(parameters.items())])
    folder = cache_root() / "datasets" / f"{name}-{hashlib.sha256(text).hexdigest()[:12]}"
    return _open(folder, _Making(name, version, parameters, classes, count, tuple), progress)


@dataclass(frozen=True)
class _Making:
    """How a cache is made: what it is called, where its classes come from, how many there are."""

    name: str
    version: int
    parameters: Mapping[str, Value]
    classes: Callable[[], Iterator[ClassExamples]]
    count: int | None
    remarks: Callable[[], tuple[str, ...]]


def _open(folder: Path, what: _Making, progress: Progress) -> CachedDataset:
    """Returns what a folder of the cache holds; only one process at a time makes it.

    What is there already is only read: no lock is taken, and the folder may be read-only.
    """
    with _writable(folder.parent):
        if not _is_whole(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(folder.with_suffix(".lock")):
                if not _is_whole(folder):
                    _build(what, folder, progress)
    return CachedDataset.read(folder)


def _key(dataset: Dataset, parameters: Mapping[str, Value], stamp: str, pictures: bool) -> str:
    code = code_digest(type(dataset))
    known = [FORMAT, dataset.version, code, sorted(parameters.items())]
    decoder = [f"decoder {DECODER}"] if pictures else []
    text = msgspec.json.encode([*known, *([stamp] if stamp else []), *decoder])
    return hashlib.sha256(text).hexdigest()[:12]


def _is_whole(folder: Path) -> bool:
    return (folder / DESCRIPTION).is_file()


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Turns a failure to write into an error that says what to do."""
    try:
        yield
    except NotImplementedError as error:  # filelock's, where the file system has no locks
        raise BenchError(
            f"the file system of the cache folder {folder} has no locks; set BENCH_CACHE to a "
            "folder on another"
        ) from error
    except OSError as error:
        raise BenchError(
            f"cannot write the cache folder {folder} ({error.strerror or error}); "
            "make room or set BENCH_CACHE to another folder"
        ) from error


def _build(what: _Making, folder: Path, progress: Progress) -> None:
    """Writes all splits into a temporary folder, then gives it its name."""
    draft = folder.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    writers: dict[Split, _SplitWriter] = {}
    try:
        for done, examples in enumerate(what.classes(), 1):
            if examples.split not in writers:
                writers[examples.split] = _SplitWriter(draft, examples.split)
            writers[examples.split].add(examples)
            progress(done, what.count)
        if not writers:
            raise BenchError(f"{what.name} yielded no class at all")
        splits = {split: writers[split].close() for split in SPLITS if split in writers}
        record = CacheRecord(
            FORMAT,
            what.name,
            what.version,
            dict(what.parameters),
            splits,
            remarks=tuple(what.remarks()),
        )
        _write_whole(draft / DESCRIPTION, msgspec.json.encode(record.sealed()))
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    except BaseException:
        for writer in writers.values():
            writer.abandon()
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _write_whole(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


class _SplitWriter:
    """Writes the classes of one split, one after the other, into a raw file."""

    def __init__(self, folder: Path, split: Split) -> None:
        self._inputs = _RawFile(folder / f"{split}.bin")
        self._targets_path = folder / f"{split}.targets.bin"
        self._targets: _RawFile | None = None
        self._width = 0
        self._groups = _GroupsFile(folder / f"{split}.groups.bin")
        self._classes: list[str] = []
        self._counts: list[int] = []
        self._shape: tuple[int, ...] = ()
        self._dtype = ""

    def add(self, examples: ClassExamples) -> None:
        """Appends one class, in this machine's byte order."""
        dtype = examples.inputs.dtype.newbyteorder("=")
        inputs = np.ascontiguousarray(examples.inputs, dtype=dtype)
        self._shape, self._dtype = inputs.shape[1:], dtype.name
        self._classes.append(examples.name)
        self._counts.append(len(inputs))
        self._inputs.write(inputs)
        self._groups.add(len(inputs), examples.groups)
        if examples.targets is not None:
            self._targets = self._targets or _RawFile(self._targets_path)
            self._width = examples.targets.shape[1]
            self._targets.write(np.ascontiguousarray(examples.targets, dtype=np.float32))

    def close(self) -> SplitRecord:
        """Closes the files and returns what they hold."""
        targets = self._targets
        return SplitRecord(
            tuple(self._classes),
            tuple(self._counts),
            self._shape,
            self._dtype,
            self._inputs.close(),
            TargetsRecord(self._width, targets.close()) if targets else None,
            self._groups.close(),
        )

    def abandon(self) -> None:
        """Closes the files, whatever is in them."""
        for file in filter(None, (self._inputs, self._targets)):
            file.abandon()


class _GroupsFile:
    """The groups of a split's inputs, numbered as they come; no file if there are none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers: dict[str, int] = {}
        self._rows = array("q")
        self._next = 0

    def add(self, count: int, groups: tuple[str, ...] | None) -> None:
        """Appends those of one class; an input without one is a group of its own."""
        for group in groups or ("",) * count:
            number = self._numbers.setdefault(group, self._next) if group else self._next
            self._next += number == self._next
            self._rows.append(number)

    def close(self) -> str:
        """Writes the file, and returns the sha256 of what is in it; empty if there are none."""
        if not self._numbers:
            return ""
        file = _RawFile(self._path)
        file.write(np.frombuffer(self._rows, dtype=np.int64))
        return file.close()


class _RawFile:
    """Arrays, one after the other, in a file without a header."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._digest = hashlib.sha256()

    def write(self, values: NDArray[np.generic]) -> None:
        """Appends the numbers of a contiguous array."""
        self._digest.update(values.data)
        self._file.write(values.data)

    def close(self) -> str:
        """Closes the file, and returns the sha256 of what is in it."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._digest.hexdigest()

    def abandon(self) -> None:
        """Closes the file, whether or not there is room for the rest."""
        with suppress(OSError):
            self._file.close()

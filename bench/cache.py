"""The cache: a dataset's classes, decoded once, one raw file per split beside its description.

The folder appears under its final name only when it is whole; processes that start together wait
for the one that builds it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import filelock
import msgspec
import numpy as np
import platformdirs
from numpy.typing import NDArray

from bench.dataset import SPLITS, ClassExamples, DataFiles, Dataset, Split, as_split
from bench.errors import BenchError
from bench.failures import plugin_code
from bench.files import source_digest
from bench.parameters import Value
from bench.stored import (
    DESCRIPTION,
    FORMAT,
    CachedDataset,
    CacheRecord,
    SplitRecord,
    TargetsRecord,
)
from bench.tasks import CLASSIFICATION

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
    folder = cache_root() / "datasets" / f"{dataset.name}-{_key(dataset, parameters)}"
    if not _is_whole(folder):
        with _writable(folder.parent):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(folder.with_suffix(".lock")):
                if not _is_whole(folder):
                    _build(dataset, parameters, files, folder, progress)
    return CachedDataset.read(folder)


def _key(dataset: Dataset, parameters: Mapping[str, Value]) -> str:
    code = source_digest(type(dataset))
    text = msgspec.json.encode([FORMAT, dataset.version, code, sorted(parameters.items())])
    return hashlib.sha256(text).hexdigest()[:12]


def _is_whole(folder: Path) -> bool:
    return (folder / DESCRIPTION).is_file()


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Turns a failure to write into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise BenchError(
            f"cannot write the cache folder {folder} ({error.strerror or error}); "
            "make room or set BENCH_CACHE to another folder"
        ) from error


def _build(
    dataset: Dataset,
    parameters: Mapping[str, Value],
    files: DataFiles,
    folder: Path,
    progress: Progress,
) -> None:
    """Writes all splits into a temporary folder, then gives it its name."""
    draft = folder.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    writers: dict[Split, _SplitWriter] = {}
    seen: dict[bytes, ClassExamples] = {}
    first: ClassExamples | None = None
    try:
        for done, examples in enumerate(_classes_of(dataset, files), 1):
            if examples.split not in writers:
                writers[examples.split] = _SplitWriter(draft, examples.split)
            first = first or examples
            _check_alike(examples, first)
            writers[examples.split].add(examples)
            _check_unseen(dataset.name, examples, seen)
            progress(done, dataset.class_count())
        if not writers:
            raise BenchError(f"{dataset.name} yielded no class at all")
        splits = {split: writers[split].close() for split in SPLITS if split in writers}
        _check_names(dataset.name, splits)
        record = CacheRecord(FORMAT, dataset.name, dataset.version, dict(parameters), splits)
        (draft / DESCRIPTION).write_bytes(msgspec.json.encode(record.sealed()))
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _classes_of(dataset: Dataset, files: DataFiles) -> Iterator[ClassExamples]:
    """Yields a dataset's classes; whatever goes wrong in it is told as its own trouble."""
    with plugin_code(dataset.name, "giving its classes", "use a smaller dataset"):
        for examples in dataset.classes(files):
            if not isinstance(examples, ClassExamples):
                raise BenchError(f"{dataset.name} yielded {examples!r}, not ClassExamples")
            if not isinstance(examples.inputs, np.ndarray):
                kind = type(examples.inputs).__name__
                raise BenchError(
                    f"class '{examples.name}' has inputs of type {kind}; give a NumPy array"
                )
            as_split(examples.split)
            _check_targets(dataset, examples)
            yield examples


def _check_targets(dataset: Dataset, examples: ClassExamples) -> None:
    """Raises BenchError if a class has targets and should not, or none, or unfit ones."""
    targets = examples.targets
    if dataset.task == CLASSIFICATION:
        if targets is not None:
            raise BenchError(
                f"class '{examples.name}' has targets, but {dataset.name} is for classification; "
                "say in the class: task = 'regression'"
            )
        return
    fits = isinstance(targets, np.ndarray) and targets.dtype == np.float32 and targets.ndim == 2
    if not fits or targets is None or len(targets) != len(examples.inputs):
        raise BenchError(
            f"function '{examples.name}' needs targets: float32, one row for each of its "
            f"{len(examples.inputs)} inputs"
        )
    if not np.isfinite(targets).all():
        raise BenchError(f"function '{examples.name}' has targets that are not finite; mend them")


def _check_alike(examples: ClassExamples, first: ClassExamples) -> None:
    """Raises BenchError if a class is empty, or its inputs are not like those of the first."""
    shape, dtype = examples.inputs.shape[1:], examples.inputs.dtype.name
    if dtype not in ("uint8", "float32") or not len(examples.inputs):
        raise BenchError(
            f"class '{examples.name}' has {len(examples.inputs)} inputs of type {dtype}; "
            "give at least one, as uint8 or float32"
        )
    if dtype == "float32" and not np.isfinite(examples.inputs).all():
        raise BenchError(f"class '{examples.name}' has inputs that are not finite; mend them")
    like, kind = first.inputs.shape[1:], first.inputs.dtype.name
    widths = [None if e.targets is None else e.targets.shape[1] for e in (examples, first)]
    if widths[0] != widths[1]:
        raise BenchError(
            f"function '{examples.name}' has {widths[0]} targets per input, those before it "
            f"{widths[1]}; all must be alike"
        )
    if (shape, dtype) != (like, kind):
        raise BenchError(
            f"class '{examples.name}' has inputs {dtype} {shape}, those before it "
            f"{kind} {like}; all must be alike"
        )


def _check_unseen(name: str, examples: ClassExamples, seen: dict[bytes, ClassExamples]) -> None:
    """Raises BenchError if an image of this class, or this function, was seen in another split."""
    stub = ClassExamples(examples.name, examples.split, examples.inputs[:0])
    units = examples.inputs
    if examples.targets is not None:
        flat = examples.inputs.reshape(len(units), -1).astype(np.float32)
        units = np.concatenate([flat, examples.targets], axis=1)[None]
    for one in units:
        digest = hashlib.blake2b(np.ascontiguousarray(one).data, digest_size=16).digest()
        other = seen.setdefault(digest, stub)
        if other.split != examples.split:
            raise BenchError(
                f"{name}: the same image is in class '{other.name}' of {other.split} and in "
                f"class '{examples.name}' of {examples.split}; splits must not share images"
            )


def _check_names(name: str, splits: Mapping[Split, SplitRecord]) -> None:
    """Raises BenchError if a class name occurs twice, within a split or across."""
    seen: dict[str, str] = {}
    for split, record in splits.items():
        for label in record.classes:
            if label in seen:
                raise BenchError(
                    f"{name}: class '{label}' is in {seen[label]} and in {split}; "
                    "each class belongs to one split, once"
                )
            seen[label] = split


class _SplitWriter:
    """Writes the classes of one split, one after the other, into a raw file."""

    def __init__(self, folder: Path, split: Split) -> None:
        self._inputs = _RawFile(folder / f"{split}.bin")
        self._targets_path = folder / f"{split}.targets.bin"
        self._targets: _RawFile | None = None
        self._width = 0
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
        )


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

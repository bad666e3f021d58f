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

from bench.dataset import SPLITS, ClassExamples, DataFiles, Dataset, Split, as_split
from bench.errors import BenchError
from bench.failures import plugin_code
from bench.files import source_digest
from bench.parameters import Value
from bench.stored import DESCRIPTION, FORMAT, CachedDataset, CacheRecord, SplitRecord

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
                writers[examples.split] = _SplitWriter(draft / f"{examples.split}.bin")
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
            yield examples


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
    if (shape, dtype) != (like, kind):
        raise BenchError(
            f"class '{examples.name}' has inputs {dtype} {shape}, those before it "
            f"{kind} {like}; all must be alike"
        )


def _check_unseen(name: str, examples: ClassExamples, seen: dict[bytes, ClassExamples]) -> None:
    """Raises BenchError if an image of this class was seen in another split."""
    stub = ClassExamples(examples.name, examples.split, examples.inputs[:0])
    for one in examples.inputs:
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

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._digest = hashlib.sha256()
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
        self._digest.update(inputs.data)
        self._file.write(inputs.data)

    def close(self) -> SplitRecord:
        """Closes the file and returns what it holds."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return SplitRecord(
            tuple(self._classes),
            tuple(self._counts),
            self._shape,
            self._dtype,
            self._digest.hexdigest(),
        )

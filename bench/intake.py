"""Intake: what a dataset yields, checked class by class, before anything is kept of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from bench.dataset import SPLITS, ClassExamples, DataFiles, Dataset, Split, as_split
from bench.digestset import DIGEST_BYTES, DigestSet
from bench.errors import BenchError
from bench.failures import plugin_code
from bench.tasks import CLASSIFICATION


def checked_classes(dataset: Dataset, files: DataFiles) -> Iterator[ClassExamples]:
    """Yields a dataset's classes, each of them whole, alike, and in one split only.

    Raises:
        BenchError: a class is not what the contract says, or shares something across splits.
        RunFailed: the dataset raised an exception.
    """
    names: dict[str, Split] = {}
    seen: dict[Split, DigestSet] = {split: DigestSet() for split in SPLITS}
    bases: dict[str, ClassExamples] = {}
    first: ClassExamples | None = None
    for examples in _classes_of(dataset, files):
        first = first or examples
        _check_targets(dataset, examples)
        _check_groups(dataset, examples)
        _check_alike(examples, first)
        _check_name(dataset.name, examples, names)
        _check_base(dataset, examples, bases)
        _check_unseen(dataset.name, examples, names, seen)
        yield examples


def _classes_of(dataset: Dataset, files: DataFiles) -> Iterator[ClassExamples]:
    """Yields a dataset's classes, of the right types."""
    for examples in _given(dataset, files):
        if not isinstance(examples, ClassExamples):
            raise BenchError(f"{dataset.name} yielded {examples!r}, not ClassExamples")
        if not isinstance(examples.inputs, np.ndarray):
            kind = type(examples.inputs).__name__
            raise BenchError(
                f"class '{examples.name}' has inputs of type {kind}; give a NumPy array"
            )
        as_split(examples.split)
        yield examples


def _given(dataset: Dataset, files: DataFiles) -> Iterator[object]:
    """Yields what a dataset does; only what it does itself counts as its code."""
    end = object()
    doing = dataset.name, "giving its classes", "use a smaller dataset"
    with plugin_code(*doing):
        classes: Iterator[object] = iter(dataset.classes(files))
    while True:
        with plugin_code(*doing):
            one = next(classes, end)
        if one is end:
            return
        yield one


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


def _check_groups(dataset: Dataset, examples: ClassExamples) -> None:
    """Raises BenchError if a class has groups that do not fit its inputs."""
    groups = examples.groups
    if groups is None:
        return
    if dataset.task != CLASSIFICATION:
        raise BenchError(f"function '{examples.name}' has groups, which only classes have")
    if len(groups) != len(examples.inputs) or not all(isinstance(g, str) for g in groups):
        raise BenchError(
            f"class '{examples.name}' has {len(groups)} groups for {len(examples.inputs)} inputs; "
            "give a text for each"
        )


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


def _check_unseen(
    name: str, examples: ClassExamples, names: dict[str, Split], seen: dict[Split, DigestSet]
) -> None:
    """Raises BenchError if an image of this class, or this function, was seen in another split."""
    digests = list(content_digests(examples.inputs, examples.targets))
    found = {split: seen[split].find(digests) for split in SPLITS if split != examples.split}
    known = [(*place, split) for split, place in found.items() if place]
    if known:
        _, owner, split = min(known)
        other = next(islice(names, owner, None))
        raise BenchError(
            f"{name}: the same example is in class '{other}' of {split} and in "
            f"class '{examples.name}' of {examples.split}; splits must not share examples"
        )
    seen[examples.split].add(digests, len(names) - 1)


def content_digests(
    inputs: NDArray[np.uint8] | NDArray[np.float32], targets: NDArray[np.float32] | None
) -> Iterator[bytes]:
    """Yields a hash of each image of a class, from inputs (k, ...), or of a function as a whole."""
    units = inputs
    if targets is not None:
        flat = inputs.reshape(len(inputs), -1).astype(np.float32)
        units = np.concatenate([flat, targets], axis=1)[None]
    for one in units:
        yield hashlib.blake2b(np.ascontiguousarray(one).data, digest_size=DIGEST_BYTES).digest()


def _check_base(dataset: Dataset, examples: ClassExamples, bases: dict[str, ClassExamples]) -> None:
    """Raises BenchError if another split has a class that was made of the same one."""
    with plugin_code(dataset.name, "naming base classes", "use a smaller dataset"):
        base = dataset.base_class(examples.name)
    other = bases.setdefault(base, _stub(examples))
    if other.split != examples.split:
        raise BenchError(
            f"{dataset.name}: class '{other.name}' of {other.split} and class '{examples.name}' "
            f"of {examples.split} are both made of '{base}'; splits must not share base classes"
        )


def _stub(examples: ClassExamples) -> ClassExamples:
    """Returns the class without its inputs, which nobody should keep in memory.

    They are copied, though there are none: a view would keep them all.
    """
    return ClassExamples(examples.name, examples.split, examples.inputs[:0].copy())


def _check_name(name: str, examples: ClassExamples, names: dict[str, Split]) -> None:
    """Raises BenchError if there was a class of this name before, in whichever split."""
    if examples.name in names:
        raise BenchError(
            f"{name}: class '{examples.name}' is in {names[examples.name]} and in "
            f"{examples.split}; each class belongs to one split, once"
        )
    names[examples.name] = examples.split

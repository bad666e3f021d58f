"""Sources: a dataset with its parameters and its data, opened; and which may test whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from bench.cache import Progress, open_dataset
from bench.dataname import DataName
from bench.dataset import SPLITS, DataFiles, Dataset, Split
from bench.digestset import DigestSet
from bench.errors import BenchError
from bench.firewall import open_test
from bench.intake import content_digests
from bench.parameters import Value, settle
from bench.pool import ClassPool
from bench.registry import Registry
from bench.stored import CachedDataset, SplitRecord

_HASHED = 4096
"""Inputs that are hashed at a time."""


@dataclass(frozen=True)
class Chosen:
    """A dataset as the user chose it, not yet opened: its name, its class, all its parameters."""

    name: DataName
    dataset: type[Dataset]
    parameters: dict[str, Value]


def choose(registry: Registry, text: str, given: Mapping[str, Value]) -> Chosen:
    """Looks up `NAME` or `NAME:PATH`, and fills in the parameters that are not given.

    Raises:
        BenchError: there is no such dataset, or a parameter is unknown or does not fit.
    """
    name, dataset = DataName.parse(text), registry.dataset(text)
    own: dict[str, Value] = {"path": name.path} if name.path else {}
    return Chosen(name, dataset, settle(name.dataset, dataset, {**given, **own}))


@dataclass(frozen=True)
class Source:
    """A dataset: its class, its parameters, and its data in the cache.

    `reshaped` says how its images were changed in shape, as `from 3x84x84 to 1x28x28`; empty if
    they were not.
    """

    dataset: type[Dataset]
    parameters: dict[str, Value]
    data: CachedDataset
    reshaped: str = ""


def open_source(
    dataset: type[Dataset], parameters: dict[str, Value], files: DataFiles, progress: Progress
) -> Source:
    """Opens a dataset with settled parameters, making its cache if need be.

    Raises:
        BenchError: it refuses its parameters, or its files are missing or damaged.
    """
    try:
        made = dataset(**parameters)
    except (ValueError, TypeError) as error:
        raise BenchError(f"{dataset.name}: {error}") from error
    return Source(dataset, parameters, open_dataset(made, parameters, files, progress))


def split_of(data: CachedDataset, split: Split) -> SplitRecord:
    """Returns what a split holds; raises BenchError if there is no such split."""
    if split not in data.record.splits:
        raise BenchError(f"{data.record.name} has no classes in its {split} split")
    return data.record.splits[split]


def example_of(data: CachedDataset) -> SplitRecord:
    """Returns what is trained on; of data without a train split, what is tested on."""
    return split_of(data, "train" if "train" in data.record.splits else "test")


def check_same_task(trained: type[Dataset], tested: type[Dataset]) -> None:
    """Raises BenchError unless both datasets are for one kind of task."""
    if trained.task != tested.task:
        raise BenchError(
            f"--test-data is {tested.name}, which is {tested.task}, but {trained.name} is "
            f"{trained.task}; name data of the same kind of task"
        )


def check_alike(trained: Source, tested: Source) -> None:
    """Raises BenchError unless what learns from one dataset takes the inputs of another."""
    one, other = trained.dataset.name, tested.dataset.name
    train, test = example_of(trained.data), split_of(tested.data, "test")
    shapes = [_shape(split) for split in (train, test)]
    spaces = [s.data.source.space() if s.data.source else "" for s in (trained, tested)]
    if spaces[0] != spaces[1]:
        raise BenchError(
            f"--test-data is {other}, whose vectors are {spaces[1] or 'its own'}, but those of "
            f"{one} are {spaces[0] or 'its own'}: their numbers do not mean the same; give both an "
            "embedding that is not fitted (--set data.embedding=hashing --set "
            "test.embedding=hashing, or wordllama)"
        )
    if shapes[0] != shapes[1]:
        both_images = all(len(split.shape) == 3 for split in (train, test))
        cure = (
            "--resize-test makes them alike" if both_images else "name data whose inputs are alike"
        )
        raise BenchError(
            f"--test-data is {other}, whose inputs are {shapes[1]}, but those of {one} are "
            f"{shapes[0]}; {cure}"
        )


def shape_in_words(shape: tuple[int, ...]) -> str:
    """Returns a shape as people write it: `3x84x84`."""
    return "x".join(map(str, shape))


def _shape(split: SplitRecord) -> str:
    sides = shape_in_words(split.shape)
    width = f" with targets of {split.targets.width}" if split.targets else ""
    return f"{split.dtype} {sides}{width}"


def check_apart(trained: Source, tested: Source) -> None:
    """Raises BenchError if an image of the test is, byte for byte, one of training or validation.

    In regression functions are compared, not points.
    """
    tested_contents = DigestSet()
    with open_test("content check", 0):
        pool = tested.data.pool("test")
    classes = pool.classes
    for number, digests in _digests(pool):
        tested_contents.add(digests, number)
    del pool
    for split in SPLITS[:2]:
        if split not in trained.data.record.splits:
            continue
        for _, digests in _digests(trained.data.pool(split)):
            found = tested_contents.find(digests)
            if found:
                raise BenchError(
                    f"an example of class '{classes[found[1]]}' of the test split of "
                    f"{tested.dataset.name} is in the {split} split of {trained.dataset.name}, "
                    "too; test on data that training does not have"
                )


def _digests(pool: ClassPool) -> Iterator[tuple[int, list[bytes]]]:
    """Yields for each class, by number, hashes of its images, some at a time; one per function."""
    for number, (first, last) in enumerate(pairwise(pool.offsets.tolist())):
        if pool.targets is not None:
            targets = pool.targets[first:last]
            yield number, list(content_digests(pool.inputs[first:last], targets))
            continue
        for start in range(first, last, _HASHED):
            rows = pool.inputs[start : min(start + _HASHED, last)]
            yield number, list(content_digests(rows, None))

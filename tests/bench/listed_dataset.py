"""What tests of the cache share: a dataset of the classes it was given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.cache import open_dataset
from bench.dataset import ClassExamples, DataFiles, Dataset, Split
from bench.stored import CachedDataset

Inputs = NDArray[np.uint8] | NDArray[np.float32]


def images(seed: int, count: int = 3, side: int = 4) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, side, side), dtype=np.uint8)


def one(name: str, split: Split, inputs: Inputs) -> ClassExamples:
    return ClassExamples(name, split, inputs)


SMALL = (
    one("a", "train", images(1)),
    one("b", "test", images(2, count=2)),
    one("c", "train", images(3, count=4)),
    one("d", "val", images(4)),
)


class Listed(Dataset):
    """Yields the classes it was given, and counts how often it was asked."""

    name = "listed"

    def __init__(self, listed: Sequence[ClassExamples] = SMALL) -> None:
        self.listed, self.calls = listed, 0

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        self.calls += 1
        yield from self.listed

    def class_count(self) -> int:
        return len(self.listed)


def opened(dataset: Dataset, **parameters: int) -> CachedDataset:
    return open_dataset(dataset, parameters, DataFiles(Path("nowhere")), lambda done, total: None)


def leftovers(cache: Path) -> list[str]:
    """What is in the cache except for lock files."""
    return [p.name for p in (cache / "datasets").iterdir() if p.suffix != ".lock"]

"""Small datasets for whole runs: images in groups, others like them, copies, points, curves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.dataset import SPLITS, ClassExamples, DataFiles, Dataset, Split
from bench.episodes import EpisodeProtocol
from bench.registry import Registry, load_registry
from bench.tasks import REGRESSION


class Letters(Dataset):
    """Random images, in two alphabets of six per split.

    Args:
        seed: seed of the images.
    """

    name = "letters"
    protocol = EpisodeProtocol(5, 1, 5)

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        rng = np.random.default_rng(self.seed)
        for split in SPLITS:
            for number in range(12):
                coarse = rng.integers(0, 200, (1, 1, 4, 4))
                images = np.kron(coarse, np.ones((2, 2), np.int64))
                images = images + rng.integers(0, 50, (12, 1, 8, 8))
                name = f"{split}{'ab'[number % 2]}/{number}"
                yield ClassExamples(name, split, images.astype(np.uint8))

    def group(self, name: str) -> str:
        return name.partition("/")[0]


class Signs(Letters):
    """Others, without alphabets."""

    name = "signs"

    def __init__(self, *, seed: int = 1) -> None:
        super().__init__(seed=seed)

    def group(self, name: str) -> str:
        return ""


class Copies(Letters):
    """Has an image of the letters' train split in test."""

    name = "copies"

    def __init__(self, *, seed: int = 2) -> None:
        super().__init__(seed=seed)

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        stolen = next(Letters().classes(files)).inputs
        for one in super().classes(files):
            inputs = one.inputs.copy()
            if one.name == "testb/7":
                inputs[5] = stolen[3]
            yield ClassExamples(one.name, one.split, inputs)


class Photos(Letters):
    """Four photos of each of three objects of every class."""

    name = "photos"

    def __init__(self, *, seed: int = 3) -> None:
        super().__init__(seed=seed)

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        for one in super().classes(files):
            objects = tuple(f"{one.name} {number // 4}" for number in range(12))
            yield ClassExamples(one.name, one.split, one.inputs, groups=objects)


class Alone(Letters):
    """Has a test split alone.

    Args:
        seed: seed of the images.
        classes: as of a folder of images.
    """

    name = "alone"

    def __init__(self, *, seed: int = 4, classes: str = "fixed") -> None:
        super().__init__(seed=seed)

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        return (one for one in super().classes(files) if one.split == "test")


class Dots(Dataset):
    """Points in the plane."""

    name = "dots"

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        rng = np.random.default_rng(0)
        for split in SPLITS:
            for number in range(8):
                points = rng.normal(size=(20, 2)).astype(np.float32)
                yield ClassExamples(f"{split}{number}", split, points)


class Lines(Dataset):
    """Straight lines.

    Args:
        slope: the largest slope.
    """

    name = "lines"
    task = REGRESSION
    protocol = EpisodeProtocol(1, 5, 5)

    def __init__(self, *, slope: float = 1.0) -> None:
        self.slope = slope

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        rng = np.random.default_rng(0)
        for split in SPLITS:
            for number in range(4):
                x = rng.normal(size=(40, 1)).astype(np.float32)
                y = (rng.uniform(0, self.slope) * x).astype(np.float32)
                yield ClassExamples(f"{split}{number}", split, x, y)


class Twins(Lines):
    """The same lines, those of train in test."""

    name = "twins"

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        other: dict[str, Split] = {"train": "test", "val": "val", "test": "train"}
        for one in super().classes(files):
            yield ClassExamples(one.name, other[one.split], one.inputs, one.targets)


def registry_of_small_data() -> Registry:
    registry = load_registry()
    for dataset in (Letters, Signs, Copies, Photos, Alone, Dots, Lines, Twins):
        registry.datasets.add(dataset, dataset.name, "tests")
    return registry

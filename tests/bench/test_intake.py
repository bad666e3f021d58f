"""Base classes: what was made of one class may not be in two splits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.dataset import ClassExamples, DataFiles, Dataset, Split
from bench.errors import BenchError, RunFailed
from bench.intake import checked_classes


class Turned(Dataset):
    """Characters and their rotations by 90 degrees; `leak` puts one rotation into train."""

    name = "turned"

    def __init__(self, leak: bool) -> None:
        self.leak = leak

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        rng = np.random.default_rng(0)
        splits: tuple[Split, ...] = ("train", "val", "test")
        for number, split in enumerate(splits):
            images = rng.integers(0, 256, (4, 1, 6, 6), dtype=np.uint8)
            for turn in range(4):
                turned = np.ascontiguousarray(np.rot90(images, turn, axes=(2, 3)))
                leaks = self.leak and split == "test" and turn == 3
                yield ClassExamples(f"c{number}/rot{turn}", "train" if leaks else split, turned)

    def base_class(self, name: str) -> str:
        return name.partition("/")[0]


class Careless(Turned):
    """Does not say that rotations are of one character."""

    base_class = Dataset.base_class


class Broken(Turned):
    """Cannot name its base classes."""

    def base_class(self, name: str) -> str:
        raise KeyError(name)


def taken(dataset: Dataset) -> list[ClassExamples]:
    return list(checked_classes(dataset, DataFiles(Path("nowhere"))))


def test_rotations_within_one_split_are_fine() -> None:
    assert len(taken(Turned(leak=False))) == 12


def test_a_rotated_test_character_in_train_is_refused_and_both_classes_are_named() -> None:
    with pytest.raises(
        BenchError,
        match="turned: class 'c2/rot0' of test and class 'c2/rot3' of train are both made of 'c2'; "
        "splits must not share base classes",
    ):
        taken(Turned(leak=True))


def test_only_the_base_class_tells_as_no_image_is_the_same() -> None:
    assert len(taken(Careless(leak=True))) == 12


def test_an_exception_while_naming_base_classes_is_the_datasets_own_failure() -> None:
    with pytest.raises(RunFailed, match="turned failed while naming base classes: KeyError"):
        taken(Broken(leak=False))

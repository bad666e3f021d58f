"""A plugin for tests: a dataset of coloured noise that says what form its images have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench import ClassExamples, DataFiles, Dataset, ImageForm, Split, hookimpl

SPLITS: tuple[Split, ...] = ("train", "train", "val", "test")


class Swatches(Dataset):
    """Squares of 24 colours with noise."""

    name = "swatches"

    def form(self) -> ImageForm:
        return ImageForm(16, 16)

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        rng = np.random.default_rng(0)
        for number in range(24):
            colour = rng.integers(40, 216, (1, 3, 1, 1))
            images = colour + rng.integers(-40, 40, (20, 3, 16, 16))
            yield ClassExamples(f"colour {number}", SPLITS[number % 4], images.astype(np.uint8))


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Swatches]

"""Gratings: striped images, one angle and stripe width per class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench import ClassExamples, DataFiles, Dataset


class Gratings(Dataset):
    """Stripes whose angle and width make the class; their phase and noise vary.

    Args:
        noise: standard deviation of the noise, as a share of full brightness.
        seed: seed of phases and noise.
    """

    name = "gratings"
    licence = "none needed: generated"

    def __init__(self, *, noise: float = 0.1, seed: int = 0) -> None:
        self.noise, self.seed = noise, seed

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        rng = np.random.Generator(np.random.Philox(self.seed))
        rows, columns = np.mgrid[:16, :16]
        for number in range(60):
            angle, width = np.pi * number / 60, 3 + number % 4
            along = (columns * np.cos(angle) + rows * np.sin(angle)) * 2 * np.pi / width
            phases = rng.uniform(0, 2 * np.pi, size=(30, 1, 1))
            waves = 0.5 + 0.5 * np.sin(along + phases)
            noisy = waves + rng.normal(0, self.noise, size=waves.shape)
            images = (255 * noisy.clip(0, 1)).astype(np.uint8)[:, None]
            split = "train" if number % 3 == 0 else "val" if number % 3 == 1 else "test"
            yield ClassExamples(f"{number:02d}", split, images)

    def class_count(self) -> int:
        return 60

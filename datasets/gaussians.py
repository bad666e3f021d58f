"""Gaussian blobs in the plane: the smallest few-shot problem, for teaching and for tests."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench import BenchError, ClassExamples, DataFiles, Dataset, Split, hookimpl


class Gaussians(Dataset):
    """Points around random centres in the plane, one centre per class.

    Centres are uniform in [-extent, extent]^2; the default task is easy unless two centres of an
    episode fall close together.

    Args:
        spread: standard deviation of the points around their centre.
        extent: half the side of the square that the centres lie in.
        points: points per class.
        seed: seed of centres and points.
    """

    name = "gaussians"
    licence = "none needed: generated"

    def __init__(
        self, *, spread: float = 0.5, extent: float = 5.0, points: int = 40, seed: int = 0
    ) -> None:
        if seed < 0:
            raise BenchError(f"gaussians: seed is {seed}; it must be at least 0")
        if spread <= 0 or extent <= 0 or points < 2:
            raise BenchError("gaussians needs spread > 0, extent > 0 and points >= 2")
        self.spread, self.extent, self.points, self.seed = spread, extent, points, seed

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        splits: tuple[tuple[Split, int], ...] = (("train", 1000), ("val", 200), ("test", 400))
        rng = np.random.Generator(np.random.Philox(self.seed))
        for split, count in splits:
            for number in range(count):
                centre = rng.uniform(-self.extent, self.extent, size=2)
                points = rng.normal(centre, self.spread, size=(self.points, 2))
                yield ClassExamples(f"{split}-{number:04d}", split, points.astype(np.float32))

    def class_count(self) -> int:
        return 1600


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Gaussians]

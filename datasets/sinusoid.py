"""Sinusoids: the field's regression problem (Finn, Abbeel, Levine 2017, section 5.1)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench import (
    BenchError,
    ClassExamples,
    DataFiles,
    Dataset,
    EpisodeProtocol,
    Split,
    hookimpl,
)


class Sinusoid(Dataset):
    """Sine curves y = a sin(x - p): amplitude in [0.1, 5], phase in [0, pi], x in [-5, 5].

    All three are uniform, as in the paper; a task is one curve, of which K points are known. The
    paper draws curves without end; here each split has a fixed number of them, of which every
    episode takes other points.

    Args:
        points: points per curve.
        noise: standard deviation of Gaussian noise on y.
        seed: seed of curves and points.
    """

    name = "sinusoid"
    paper = "Finn, Abbeel, Levine 2017, arXiv:1703.03400"
    licence = "none needed: generated"
    task = "regression"
    protocol = EpisodeProtocol(ways=1, shots=10, queries=80)

    def __init__(self, *, points: int = 100, noise: float = 0.0, seed: int = 0) -> None:
        if seed < 0:
            raise BenchError(f"sinusoid: seed is {seed}; it must be at least 0")
        if points < 2 or noise < 0:
            raise BenchError(
                f"sinusoid: points is {points} and noise {noise}; there must be at least 2 points, "
                "and no negative noise"
            )
        self.points, self.noise, self.seed = points, noise, seed

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        splits: tuple[tuple[Split, int], ...] = (("train", 20_000), ("val", 1000), ("test", 4000))
        rng = np.random.Generator(np.random.Philox(self.seed))
        for split, count in splits:
            amplitudes, phases = rng.uniform(0.1, 5, count), rng.uniform(0, np.pi, count)
            for number, (amplitude, phase) in enumerate(zip(amplitudes, phases, strict=True)):
                x = rng.uniform(-5, 5, (self.points, 1)).astype(np.float32)
                y = amplitude * np.sin(x - phase) + rng.normal(0, 1, x.shape) * self.noise
                yield ClassExamples(f"{split}-{number:05d}", split, x, y.astype(np.float32))

    def class_count(self) -> int:
        return 25_000


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Sinusoid]

"""The data of the checks: small, learnable, normalised, and made in memory."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from bench.dataset import Split
from bench.pool import ClassPool
from bench.tasks import REGRESSION, Task

CLASSES, SIDE, COARSE = 24, 20, 5
"""Classes of a split, and the side of their images and of the pattern behind each, in pixels."""


@cache
def pool_of(task: Task, split: Split) -> ClassPool:
    """Returns one split of the data for a task; the three share no class."""
    number = ("train", "val", "test").index(split)
    return _curves(split, number) if task == REGRESSION else _images(split, number)


def _images(split: Split, seed: int) -> ClassPool:
    """Images: each class is a coarse random pattern, each image that pattern with noise."""
    rng, each = np.random.default_rng(seed), 12
    coarse = rng.integers(0, 180, size=(CLASSES, 1, 1, COARSE, COARSE))
    patterns = np.kron(coarse, np.ones((SIDE // COARSE, SIDE // COARSE), dtype=np.int64))
    images = patterns + rng.integers(0, 76, size=(CLASSES, each, 1, SIDE, SIDE))
    return _pool(split, each, images.reshape(-1, 1, SIDE, SIDE).astype(np.uint8))


def _curves(split: Split, seed: int) -> ClassPool:
    """Sine curves, each of another amplitude and phase."""
    rng, each = np.random.default_rng(seed), 40
    x = rng.uniform(-5, 5, size=(CLASSES, each))
    amplitudes, phases = rng.uniform(0.5, 2, (CLASSES, 1)), rng.uniform(0, np.pi, (CLASSES, 1))
    y = (amplitudes * np.sin(x - phases)).reshape(-1, 1).astype(np.float32)
    return _pool(split, each, x.reshape(-1, 1).astype(np.float32), y)


def _pool(
    split: Split,
    each: int,
    inputs: NDArray[np.uint8] | NDArray[np.float32],
    targets: NDArray[np.float32] | None = None,
) -> ClassPool:
    return ClassPool(
        fingerprint="conformance",
        split=split,
        classes=tuple(f"{split}-{number:02d}" for number in range(CLASSES)),
        offsets=np.arange(CLASSES + 1, dtype=np.int64) * each,
        inputs=inputs,
        targets=targets,
    )

"""What tests of sealed episodes share: lists of small pools, and pools in another order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from bench.episodelist import EpisodeList
from bench.episodes import EpisodeProtocol
from bench.pool import ClassPool, EpisodeStream
from bench.sampling import EpisodeIndices, StreamName
from bench.sealed import SealedData, SealedEpisodes
from bench.sealing import seal
from bench.tasks import CLASSIFICATION, REGRESSION

Streams = Callable[..., EpisodeStream]
Pools = Callable[..., ClassPool]
CPU = torch.device("cpu")


def data_like(pool: ClassPool) -> SealedData:
    width = 0 if pool.targets is None else pool.targets.shape[1]
    task = REGRESSION if width else CLASSIFICATION
    kind = pool.inputs.dtype.name
    return SealedData("toy", {"b": 2, "a": 1.5}, task, pool.input_shape, kind, width)


def sealed_of(stream: EpisodeStream, count: int) -> SealedEpisodes:
    return seal(stream, count, data_like(stream.pool))


def shuffled(pool: ClassPool, seed: int = 0) -> tuple[ClassPool, dict[int, int]]:
    """Returns a pool with classes and images in another order, and the new row of each old one."""
    rng = np.random.default_rng(seed)
    rows, classes, offsets = [], [], [0]
    for number in rng.permutation(len(pool.classes)).tolist():
        own = rng.permutation(np.arange(pool.offsets[number], pool.offsets[number + 1]))
        rows += own.tolist()
        classes.append(pool.classes[number])
        offsets.append(len(rows))
    moved = replace(
        pool,
        fingerprint=f"{pool.fingerprint}, shuffled",
        classes=tuple(classes),
        offsets=np.array(offsets),
        inputs=pool.inputs[rows],
        targets=None if pool.targets is None else pool.targets[rows],
    )
    return moved, {old: new for new, old in enumerate(rows)}


def uneven(pool: ClassPool) -> SealedEpisodes:
    """Three episodes by hand, of 2, 3 and 2 ways, on a pool of at least 4 classes of 4 images."""

    def episode(*parts: list[int]) -> EpisodeIndices:
        return EpisodeIndices(*(np.array([part]) for part in parts))

    listed = [
        episode([0, 5], [0, 1], [4, 1, 2], [1, 0, 0], [0, 1]),
        episode([9, 13, 1, 0], [1, 2, 0, 0], [12, 8], [2, 1], [0, 2, 3]),
        episode([15, 7], [0, 1], [14, 6, 5], [0, 1, 1], [3, 1]),
    ]
    each = np.diff(pool.offsets)
    if (each != 4).any():
        raise ValueError("rows above are those of classes of 4 images")
    stream = EpisodeStream(pool, EpisodeProtocol(2, 1, 1), 0, CPU)
    name = StreamName(pool.fingerprint, pool.split, EpisodeProtocol(kind="variable"), 0)
    whole = sealed_of(stream, 200)  # for the hashes of all images
    return replace(whole, stream=name, episodes=EpisodeList.of(listed))

"""Synthetic data in the shape of the real sets: noise, which says nothing about accuracy."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from bench.episodes import Episode, EpisodeProtocol, Examples
from bench.pool import ClassPool, EpisodeStream

Shape = tuple[int, int, int]
OMNIGLOT: Shape = (1, 28, 28)
CPU = torch.device("cpu")


@cache
def pool(shape: Shape, classes: int, each: int) -> ClassPool:
    """Returns so many classes of `each` images of noise, as bytes; the same in every process."""
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 256, size=(classes * each, *shape), dtype=np.uint8)
    names = tuple(f"class {number}" for number in range(classes))
    offsets = np.arange(classes + 1, dtype=np.int64) * each
    return ClassPool(f"noise {shape} {classes} {each}", "train", names, offsets, inputs)


def stream(source: ClassPool, ways: int, shots: int, queries: int) -> EpisodeStream:
    """Returns a stream of episodes from a pool, on the CPU."""
    return EpisodeStream(source, EpisodeProtocol(ways, shots, queries), 0, CPU)


def episodes(count: int, *, shots: int = 1, queries: int = 1) -> list[Episode]:
    """Returns 5-way episodes of Omniglot's shape that share no memory with a sampler."""
    drawn = stream(pool(OMNIGLOT, 100, 20), 5, shots, queries).episodes(0, count)
    return [_as(episode, torch.float32) for episode in drawn]


def doubled(drawn: list[Episode]) -> list[Episode]:
    """Returns the same episodes in double precision."""
    return [_as(episode, torch.float64) for episode in drawn]


def _as(episode: Episode, dtype: torch.dtype) -> Episode:
    support, query = (
        Examples(part.inputs.to(dtype, copy=True), part.targets.clone(), part.n_way)
        for part in (episode.support, episode.query)
    )
    return Episode(support, query, episode.classes)

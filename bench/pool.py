"""Pools of classes, and the streams of episodes drawn from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.dataset import Split
from bench.episodes import Episode, EpisodeBatch, EpisodeProtocol
from bench.gathering import rows_for
from bench.sampling import EpisodeIndices, EpisodeSampler, StreamName, episodes_digest

_BLOCK_IMAGES = 20_480
"""Images drawn at a time: enough to outweigh NumPy's calls, few enough for the cache."""


@dataclass(frozen=True)
class ClassPool:
    """The classes of one split: rows `offsets[c]` to `offsets[c + 1]` of `inputs` are class c.

    Shapes: inputs (rows, ...), uint8 or float32, in memory or memory-mapped; offsets (classes+1,).
    In regression a class is a function, and `targets` (rows, d) are its values.
    """

    fingerprint: str
    split: Split
    classes: tuple[str, ...]
    offsets: NDArray[np.int64]
    inputs: NDArray[np.uint8] | NDArray[np.float32]
    targets: NDArray[np.float32] | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return self.inputs.shape[1:]

    def gather(self, rows: NDArray[np.int64], device: torch.device) -> Tensor:
        """Returns the inputs at `rows` (any shape) as float32 (*rows.shape, ...).

        Bytes are scaled to [0, 1]; features are passed on as they are.
        """
        values = torch.from_numpy(self.inputs[rows]).to(device)
        if values.dtype is torch.uint8:
            return values.to(torch.float32).mul_(1 / 255)
        return values


class EpisodeStream:
    """An endless, numbered stream of episodes: asking for the same number gives the same task.

    Raises:
        BenchError: the pool cannot give episodes of this protocol.
    """

    def __init__(
        self, pool: ClassPool, protocol: EpisodeProtocol, seed: int, device: torch.device
    ) -> None:
        self.pool, self.protocol, self.device = pool, protocol, device
        self.name = StreamName(pool.fingerprint, pool.split, protocol, seed)
        self._sampler = EpisodeSampler(self.name, pool.offsets, pool.classes)
        self._rows = rows_for(pool.inputs, device)
        self._block = max(1, min(256, _BLOCK_IMAGES // (protocol.ways * protocol.per_class)))
        self._drawn: tuple[int, EpisodeIndices] | None = None

    def indices(self, start: int, count: int) -> EpisodeIndices:
        """Returns episodes start .. start+count-1 as rows of the pool."""
        parts = []
        for number in range(start // self._block, (start + count - 1) // self._block + 1):
            first = number * self._block
            parts.append(
                self._draw_block(number).part(max(start - first, 0), start + count - first)
            )
        return EpisodeIndices.joined(parts)

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        """Returns the inputs at `rows` (any shape) as float32 (*rows.shape, ...), on the device.

        They are those of `ClassPool.gather`, in memory that is used again once nobody holds it.
        """
        return self._rows.gather(rows)

    def batch(self, start: int, count: int) -> EpisodeBatch:
        """Returns episodes start .. start+count-1 as one batch, on the stream's device."""
        drawn = self.indices(start, count)
        inputs = self.gather(np.concatenate([drawn.support, drawn.query], axis=1))
        support_targets = self.targets(drawn.support, drawn.support_labels)
        query_targets = self.targets(drawn.query, drawn.query_labels)
        classes = torch.from_numpy(drawn.classes)
        return EpisodeBatch(inputs, support_targets, query_targets, classes)

    def targets(self, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> Tensor:
        """Returns what is to be predicted at `rows` (any shape), on the device.

        That is the episode's labels, of the same shape, or in regression values (*rows.shape, d).
        """
        known = self.pool.targets
        return torch.from_numpy(labels if known is None else known[rows]).to(self.device)

    def episodes(self, start: int, count: int) -> list[Episode]:
        """Returns episodes start .. start+count-1 with their inputs, on the stream's device."""
        return self.batch(start, count).episodes()

    def digest(self, count: int) -> str:
        """Returns the sha256 that names the first `count` episodes."""
        return episodes_digest(self.name, self.batches(count, self._block))

    def batches(self, count: int, size: int) -> Iterator[EpisodeIndices]:
        """Yields the first `count` episodes as rows of the pool, up to `size` at a time."""
        for start in range(0, count, size):
            yield self.indices(start, min(size, count - start))

    def _draw_block(self, number: int) -> EpisodeIndices:
        """Returns a block of episodes; the last one drawn is kept, as few are asked for at once."""
        if self._drawn is None or self._drawn[0] != number:
            block = self._sampler.draw(number * self._block, self._block)
            self._drawn = number, block
        return self._drawn[1]

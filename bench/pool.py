"""Pools of classes, and the streams of episodes drawn from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.dataset import Split
from bench.episodes import Episode, EpisodeProtocol, Examples
from bench.sampling import EpisodeIndices, EpisodeSampler, StreamName, episodes_digest


@dataclass(frozen=True)
class ClassPool:
    """The classes of one split: rows `offsets[c]` to `offsets[c + 1]` of `inputs` are class c.

    Shapes: inputs (rows, ...), uint8 or float32, in memory or memory-mapped; offsets (classes+1,).
    """

    fingerprint: str
    split: Split
    classes: tuple[str, ...]
    offsets: NDArray[np.int64]
    inputs: NDArray[np.uint8] | NDArray[np.float32]

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

    def indices(self, start: int, count: int) -> EpisodeIndices:
        """Returns episodes start .. start+count-1 as rows of the pool."""
        return self._sampler.draw(start, count)

    def episodes(self, start: int, count: int) -> list[Episode]:
        """Returns episodes start .. start+count-1 with their inputs, on the stream's device."""
        drawn = self.indices(start, count)
        rows = np.concatenate([drawn.support, drawn.query], axis=1)
        inputs = self.pool.gather(rows, self.device)
        return list(self._assemble(drawn, inputs))

    def digest(self, count: int) -> str:
        """Returns the sha256 that names the first `count` episodes."""
        return episodes_digest(self.name, self.batches(count, 1024))

    def batches(self, count: int, size: int) -> Iterator[EpisodeIndices]:
        """Yields the first `count` episodes as rows of the pool, up to `size` at a time."""
        for start in range(0, count, size):
            yield self.indices(start, min(size, count - start))

    def _assemble(self, drawn: EpisodeIndices, inputs: Tensor) -> Iterator[Episode]:
        ways, cut = self.protocol.ways, drawn.support.shape[1]
        support_labels = torch.from_numpy(drawn.support_labels).to(self.device)
        query_labels = torch.from_numpy(drawn.query_labels).to(self.device)
        classes = torch.from_numpy(drawn.classes)
        for i in range(len(drawn)):
            yield Episode(
                Examples(inputs[i, :cut], support_labels[i], ways),
                Examples(inputs[i, cut:], query_labels[i], ways),
                classes[i],
            )

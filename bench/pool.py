"""Pools of classes, and the streams of episodes drawn from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.dataset import Split
from bench.episodes import Episode, EpisodeBatch, EpisodeProtocol
from bench.errors import BenchError
from bench.gathering import rows_for
from bench.protocols.choice import drawing_sampler, of_one_shape
from bench.protocols.drawing import DrawingSampler
from bench.protocols.table import ClassTable
from bench.sampling import EpisodeIndices, EpisodeSampler, StreamName, episodes_digest

_BLOCK_IMAGES = 20_480
"""Images drawn at a time: enough to outweigh NumPy's calls, few enough for the cache."""


@dataclass(frozen=True)
class ClassPool:
    """The classes of one split: rows `offsets[c]` to `offsets[c + 1]` of `inputs` are class c.

    Shapes: inputs (rows, ...), uint8 or float32, in memory or memory-mapped; offsets (classes+1,).
    In regression a class is a function, and `targets` (rows, d) are its values. `groups` are those
    of the classes, such as their alphabets, and `input_groups` (rows,) those of the inputs, if the
    dataset has any.
    """

    fingerprint: str
    split: Split
    classes: tuple[str, ...]
    offsets: NDArray[np.int64]
    inputs: NDArray[np.uint8] | NDArray[np.float32]
    targets: NDArray[np.float32] | None = None
    groups: tuple[str, ...] | None = None
    input_groups: NDArray[np.int64] | None = None

    @property
    def table(self) -> ClassTable:
        """All but the inputs: what a sampler needs."""
        return ClassTable(self.split, self.classes, self.offsets, self.groups, self.input_groups)

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


def joined(train: ClassPool, val: ClassPool) -> ClassPool:
    """Returns the classes of both splits as one pool to train on, with a fingerprint of its own.

    Those of train come first. A large split that was memory-mapped is read into memory.
    """
    digest = hashlib.sha256(f"{train.fingerprint} train+val".encode()).hexdigest()
    table, targets = joined_tables(train.table, val.table), None
    if train.targets is not None and val.targets is not None:
        targets = np.concatenate([train.targets, val.targets])
    return ClassPool(
        digest,
        "train",
        table.classes,
        table.offsets,
        np.concatenate([train.inputs, val.inputs]),
        targets,
        table.groups,
        table.input_groups,
    )


def joined_tables(train: ClassTable, val: ClassTable) -> ClassTable:
    """Returns what samplers know of the classes of both splits; those of train come first.

    A split without groups gets some: one for all of its classes, one for each of its inputs.
    """
    groups, input_groups = None, None
    if train.groups is not None or val.groups is not None:
        groups = tuple(g for t in (train, val) for g in t.groups or ("",) * len(t.classes))
    if train.input_groups is not None or val.input_groups is not None:
        one, other = _input_groups(train), _input_groups(val)
        input_groups = np.concatenate([one, other + one.max() + 1])
    return ClassTable(
        train.split,
        (*train.classes, *val.classes),
        np.concatenate([train.offsets, train.offsets[-1] + val.offsets[1:]]),
        groups,
        input_groups,
    )


def _input_groups(table: ClassTable) -> NDArray[np.int64]:
    known = table.input_groups
    return np.arange(table.offsets[-1], dtype=np.int64) if known is None else known


class EpisodeStream:
    """A numbered stream of episodes: asking for the same number gives the same task.

    It is endless, but for protocols that use no image twice; `length` says how many these give.

    Raises:
        BenchError: the pool cannot give episodes of this protocol.
    """

    def __init__(
        self, pool: ClassPool, protocol: EpisodeProtocol, seed: int, device: torch.device
    ) -> None:
        self.pool, self.protocol, self.device = pool, protocol, device
        self.name = StreamName(pool.fingerprint, pool.split, protocol, seed)
        self._drawing: DrawingSampler | None = drawing_sampler(self.name, pool.table)
        if self._drawing is None:
            self._sampler = EpisodeSampler(self.name, pool.offsets, pool.classes)
        self._rows = rows_for(pool.inputs, device)
        self._block = max(1, min(256, _BLOCK_IMAGES // (protocol.ways * protocol.per_class)))
        self._drawn: tuple[int, EpisodeIndices] | None = None

    @property
    def length(self) -> int | None:
        """How many episodes there are; None if they never end."""
        return self._drawing.length if self._drawing else None

    def indices(self, start: int, count: int) -> EpisodeIndices:
        """Returns episodes start .. start+count-1, which must have one shape, as rows of the pool.

        Those of a fixed protocol have; of others see `batches`.

        Raises:
            BenchError: they have not, or there are not so many.
        """
        if self._drawing:
            batches = list(of_one_shape(self._one_by_one(self._drawing, start, count), count))
            if len(batches) > 1:
                raise BenchError(
                    f"episodes of the protocol '{self.protocol.id}' have shapes of their own; take "
                    "them from EpisodeStream.batches"
                )
            return batches[0]
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
        """Yields the first `count` episodes as rows of the pool, up to `size` at a time.

        The episodes of a batch have one shape.

        Raises:
            BenchError: there are not so many.
        """
        if self._drawing:
            yield from of_one_shape(self._one_by_one(self._drawing, 0, count), size)
            return
        for start in range(0, count, size):
            yield self.indices(start, min(size, count - start))

    def _one_by_one(
        self, sampler: DrawingSampler, start: int, count: int
    ) -> Iterator[EpisodeIndices]:
        if sampler.length is not None and start + count > sampler.length:
            raise BenchError(
                f"{start + count} episodes of {self.protocol.id} were asked for, but the "
                f"{self.pool.split} split gives {sampler.length}; ask for at most as many"
            )
        return map(sampler.episode, range(start, start + count))

    def _draw_block(self, number: int) -> EpisodeIndices:
        """Returns a block of episodes; the last one drawn is kept, as few are asked for at once."""
        if self._drawn is None or self._drawn[0] != number:
            block = self._sampler.draw(number * self._block, self._block)
            self._drawn = number, block
        return self._drawn[1]

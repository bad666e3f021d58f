"""Statistics of a dataset: what there is of each split, how even, and which episodes it gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.dataset import Split
from bench.episodes import EpisodeProtocol
from bench.pool import ClassPool
from bench.protocols.table import ClassTable
from bench.stored import CachedDataset

_ROWS = 4096


@dataclass(frozen=True)
class Reach:
    """What fixed episodes with `queries` queries per class a split gives at most.

    `ways` is the number of its classes, `shots` that of known examples per class; 0 if none has
    room for one beside the queries.
    """

    ways: int
    shots: int
    queries: int


@dataclass(frozen=True)
class SplitStats:
    """What one split holds. Inputs per class are smallest, median and largest.

    `class_groups` counts those of classes, such as alphabets, `input_groups` those of inputs, such
    as objects; None if there are none.
    """

    classes: int
    inputs: int
    smallest: int
    median: float
    largest: int
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    class_groups: int | None
    input_groups: int | None
    reach: Reach


@dataclass(frozen=True)
class Values:
    """Mean and standard deviation of the training inputs: per channel of images, else of all.

    Those of bytes are after scaling to [0, 1], as learners see them.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


def split_stats(data: CachedDataset, split: Split) -> SplitStats:
    """Counts what a split holds, from its description; no input is read.

    The reach is that of episodes with as many queries as the dataset's own protocol has.
    """
    record, table = data.record.splits[split], data.table(split)
    sizes = table.sizes
    return SplitStats(
        len(record.classes),
        record.rows,
        int(sizes.min()),
        float(np.median(sizes)),
        int(sizes.max()),
        record.shape,
        record.dtype,
        record.bytes,
        len(set(table.groups)) if table.groups else None,
        len(set(table.input_groups.tolist())) if table.input_groups is not None else None,
        _reach(table, data.source.protocol if data.source else EpisodeProtocol()),
    )


def _reach(table: ClassTable, protocol: EpisodeProtocol) -> Reach:
    room = int(table.sizes.min()) - protocol.queries
    return Reach(len(table.classes), max(room, 0), protocol.queries)


def values(pool: ClassPool) -> Values:
    """Returns mean and standard deviation of a split's inputs, a part of them at a time."""
    per_channel = pool.inputs.ndim == 4
    scale = 255.0 if pool.inputs.dtype == np.uint8 else 1.0
    channels = pool.inputs.shape[1] if per_channel else 1
    count, total, squares = 0, np.zeros(channels), np.zeros(channels)
    for start in range(0, len(pool.inputs), _ROWS):
        part = pool.inputs[start : start + _ROWS].astype(np.float64) / scale
        flat = part.reshape(len(part), channels, -1)
        count += flat.shape[0] * flat.shape[2]
        total += flat.sum(axis=(0, 2))
        squares += (flat**2).sum(axis=(0, 2))
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return Values(tuple(mean.tolist()), tuple(std.tolist()))


def training_values(data: CachedDataset) -> Values | None:
    """Returns the values of the training inputs; None if there is no training split."""
    return values(data.pool("train")) if "train" in data.record.splits else None

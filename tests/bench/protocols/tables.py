"""What tests of the samplers share: class tables, samplers, and what holds of every episode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.episodes import EpisodeProtocol
from bench.protocols.choice import SAMPLERS
from bench.protocols.drawing import DrawingSampler
from bench.protocols.table import ClassTable
from bench.sampling import EpisodeIndices, StreamName


def table(
    sizes: Sequence[int],
    groups: Sequence[str] | None = None,
    input_groups: Sequence[int] | None = None,
) -> ClassTable:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    names = tuple(f"class{number}" for number in range(len(sizes)))
    own = None if input_groups is None else np.array(input_groups, dtype=np.int64)
    return ClassTable("test", names, offsets, None if groups is None else tuple(groups), own)


def sampler(
    protocol: EpisodeProtocol,
    sizes: Sequence[int],
    groups: Sequence[str] | None = None,
    seed: int = 0,
) -> DrawingSampler:
    name = StreamName("data", "test", protocol, seed)
    return SAMPLERS[protocol.kind](name, table(sizes, groups))


def assert_sound(episode: EpisodeIndices, of: ClassTable) -> None:
    """Classes and images are distinct, and each image is of the class behind its label."""
    assert len(episode) == 1
    classes = episode.classes[0]
    rows = np.concatenate([episode.support[0], episode.query[0]])
    labels = np.concatenate([episode.support_labels[0], episode.query_labels[0]])
    assert len(set(classes.tolist())) == len(classes)
    assert len(set(rows.tolist())) == len(rows)
    owners = np.searchsorted(of.offsets, rows, side="right") - 1
    np.testing.assert_array_equal(owners, classes[labels])


def per_class(labels: NDArray[np.int64], ways: int) -> list[int]:
    """How many there are of each label."""
    counts: list[int] = np.bincount(labels.ravel(), minlength=ways).tolist()
    return counts

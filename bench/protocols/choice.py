"""Which sampler draws the episodes of which kind of protocol."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from bench.episodes import EpisodeProtocol, ProtocolKind
from bench.errors import BenchError
from bench.protocols.dirichlet import DirichletSampler
from bench.protocols.disjoint import DisjointSampler
from bench.protocols.drawing import DrawingSampler
from bench.protocols.folds import FoldsSampler, fitted
from bench.protocols.grouped import (
    GroupedDirichletSampler,
    GroupedSampler,
    GroupedSingleSampler,
    GroupedWithinSampler,
)
from bench.protocols.single import SingleQuerySampler
from bench.protocols.table import ClassTable
from bench.protocols.variable import VariableSampler, VariableWithinSampler
from bench.protocols.within import WithinGroupSampler
from bench.sampling import EpisodeIndices, StreamName, check_protocol

SAMPLERS: Mapping[ProtocolKind, type[DrawingSampler]] = MappingProxyType(
    {
        "dirichlet": DirichletSampler,
        "single": SingleQuerySampler,
        "disjoint": DisjointSampler,
        "within": WithinGroupSampler,
        "variable": VariableSampler,
        "variable-within": VariableWithinSampler,
        "folds": FoldsSampler,
    }
)
"""All kinds but the fixed one, which `EpisodeSampler` draws many at a time."""
GROUPED: Mapping[ProtocolKind, type[DrawingSampler]] = MappingProxyType(
    {
        "fixed": GroupedSampler,
        "dirichlet": GroupedDirichletSampler,
        "single": GroupedSingleSampler,
        "within": GroupedWithinSampler,
        "folds": FoldsSampler,
    }
)
"""The kinds that can be drawn where inputs come in groups, which stay on one side."""


def drawing_sampler(name: StreamName, table: ClassTable) -> DrawingSampler | None:
    """Returns who draws a stream's episodes one by one; None if `EpisodeSampler` can.

    Raises:
        BenchError: the table cannot give episodes of this protocol.
    """
    kind = name.protocol.kind
    if not table.is_grouped:
        return SAMPLERS[kind](name, table) if kind in SAMPLERS else None
    if kind not in GROUPED:
        raise BenchError(
            f"--protocol is {kind}, but inputs of the {table.split} split come in groups, which "
            f"must not be both known and asked; kinds that see to it: {', '.join(GROUPED)}"
        )
    return GROUPED[kind](name, table)


def check_table(protocol: EpisodeProtocol, table: ClassTable) -> int | None:
    """Returns how many episodes of this protocol a table gives; None if they never end.

    Raises:
        BenchError: it gives none.
    """
    sampler = drawing_sampler(StreamName("", table.split, protocol, 0), table)
    if sampler:
        return sampler.length
    check_protocol(protocol, table.sizes, table.classes, table.split)
    return None


def fit(protocol: EpisodeProtocol, table: ClassTable, ways: int | None) -> EpisodeProtocol:
    """Returns a protocol as a table has room for it; `ways` are those asked for, if any.

    Only that of folds hangs on the data: it is over all classes, and has at most 5 folds.

    Raises:
        BenchError: the table cannot give episodes of this protocol.
    """
    return fitted(protocol, table, ways) if protocol.kind == "folds" else protocol


def of_one_shape(episodes: Iterable[EpisodeIndices], size: int) -> Iterator[EpisodeIndices]:
    """Yields batches of neighbours that have one shape, up to `size` at a time."""
    waiting: list[EpisodeIndices] = []
    for episode in episodes:
        if waiting and (len(waiting) == size or _shape(episode) != _shape(waiting[0])):
            yield EpisodeIndices.joined(waiting)
            waiting = []
        waiting.append(episode)
    if waiting:
        yield EpisodeIndices.joined(waiting)


def _shape(episode: EpisodeIndices) -> tuple[int, ...]:
    return tuple(column.shape[1] for column in episode.columns)

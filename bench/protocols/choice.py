"""Which sampler draws the episodes of which kind of protocol."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from bench.episodes import EpisodeProtocol, ProtocolKind
from bench.protocols.dirichlet import DirichletSampler
from bench.protocols.disjoint import DisjointSampler
from bench.protocols.drawing import DrawingSampler
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
    }
)
"""All kinds but the fixed one, which `EpisodeSampler` draws many at a time."""


def check_table(protocol: EpisodeProtocol, table: ClassTable) -> int | None:
    """Returns how many episodes of this protocol a table gives; None if they never end.

    Raises:
        BenchError: it gives none.
    """
    if protocol.kind not in SAMPLERS:
        check_protocol(protocol, table.sizes, table.classes, table.split)
        return None
    return SAMPLERS[protocol.kind](StreamName("", table.split, protocol, 0), table).length


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

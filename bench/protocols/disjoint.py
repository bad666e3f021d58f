"""Episodes that share no image, so that each is new evidence on the method."""

from __future__ import annotations

from bench.episodes import EpisodeProtocol
from bench.protocols.drawing import DrawingSampler, laid_out
from bench.protocols.table import ClassTable
from bench.sampling import EpisodeIndices, StreamName
from bench.words import Draws

_ROUNDS, _IMAGES = 1 << 60, 1 << 61
"""Where the numbers of what is drawn for a round, and for a class, begin; episodes start at 0."""


class DisjointSampler(DrawingSampler):
    """n-way k-shot episodes of which no two have an image in common; so there is a last one.

    In a round the classes are shuffled and divided into episodes, those left over sit it out.
    Each class has one order of its images, of which every round takes the next k + q. There are
    as many rounds as the smallest class has images for.

    Protocol: Lafargue et al. 2024, arXiv 2409.02850, with rounds.
    """

    def __init__(self, name: StreamName, table: ClassTable) -> None:
        super().__init__(name, table)
        self._rounds: dict[int, list[int]] = {}
        self._orders: dict[int, list[int]] = {}

    @property
    def length(self) -> int:
        """How many episodes there are."""
        return episodes_without_repeats(self.name.protocol, self.sizes)

    def episode(self, number: int) -> EpisodeIndices:
        """Returns one episode, as a batch of one; `number` must be below `length`."""
        protocol = self.name.protocol
        turn, place = divmod(number, len(self.sizes) // protocol.ways)
        classes = self._order_of_classes(turn)[place * protocol.ways :][: protocol.ways]
        rows = [self._rows_of(chosen, turn) for chosen in classes]
        support = [some[: protocol.shots] for some in rows]
        query = [some[protocol.shots :] for some in rows]
        return laid_out(self.draws(number), classes, support, query)

    def _order_of_classes(self, turn: int) -> list[int]:
        if turn not in self._rounds:
            classes = len(self.sizes)
            self._rounds[turn] = Draws(self.key, _ROUNDS + turn).choose(classes, classes)
        return self._rounds[turn]

    def _rows_of(self, chosen: int, turn: int) -> list[int]:
        """Returns the rows that a class gives in one round."""
        if chosen not in self._orders:
            draws = Draws(self.key, _IMAGES + chosen)
            self._orders[chosen] = self.rows(draws, chosen, self.sizes[chosen])
        each = self.name.protocol.per_class
        return self._orders[chosen][turn * each : (turn + 1) * each]


def episodes_without_repeats(protocol: EpisodeProtocol, sizes: list[int]) -> int:
    """Returns how many disjoint episodes classes of these sizes give."""
    return len(sizes) // protocol.ways * (min(sizes) // protocol.per_class)

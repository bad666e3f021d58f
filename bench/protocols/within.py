"""Episodes whose classes come from one group, such as the letters of one alphabet."""

from __future__ import annotations

from bench.protocols.drawing import DrawingSampler, laid_out
from bench.sampling import EpisodeIndices, check_protocol


class WithinGroupSampler(DrawingSampler):
    """n-way k-shot episodes from one group each: uniform among the groups that have n classes.

    Classes of a group are more alike than classes in general (Lake et al. 2015 test so).
    """

    def check(self) -> None:
        """Raises BenchError unless some group gives episodes, and each of these its classes."""
        protocol = self.name.protocol
        self._groups = self.table.members(protocol.ways)
        for numbers in self._groups:
            part = self.table.of(numbers)
            check_protocol(protocol, part.sizes, part.classes, part.split)

    def episode(self, number: int) -> EpisodeIndices:
        """Returns one episode, as a batch of one."""
        protocol, draws = self.name.protocol, self.draws(number)
        group = self._groups[draws.below(len(self._groups))]
        classes = [group[place] for place in draws.choose(protocol.ways, len(group))]
        rows = [self.rows(draws, chosen, protocol.per_class) for chosen in classes]
        support = [some[: protocol.shots] for some in rows]
        return laid_out(draws, classes, support, [some[protocol.shots :] for some in rows])

"""One query per episode, so that no method can learn anything from other queries."""

from __future__ import annotations

from bench.protocols.drawing import DrawingSampler, laid_out
from bench.sampling import EpisodeIndices


class SingleQuerySampler(DrawingSampler):
    """n-way k-shot episodes with one query, whose class is uniform among the episode's."""

    def episode(self, number: int) -> EpisodeIndices:
        """Returns one episode, as a batch of one."""
        protocol, draws = self.name.protocol, self.draws(number)
        classes = draws.choose(protocol.ways, len(self.sizes))
        asked = draws.below(protocol.ways)
        rows = [
            self.rows(draws, chosen, protocol.shots + (label == asked))
            for label, chosen in enumerate(classes)
        ]
        support = [some[: protocol.shots] for some in rows]
        return laid_out(draws, classes, support, [some[protocol.shots :] for some in rows])

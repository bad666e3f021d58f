"""Queries shared out unevenly among classes: outside of benchmarks nobody balances them."""

from __future__ import annotations

from bench.episodes import CONCENTRATION
from bench.protocols.drawing import DrawingSampler, laid_out
from bench.sampling import EpisodeIndices
from bench.words import Draws


class DirichletSampler(DrawingSampler):
    """n-way k-shot episodes with n*q queries in all, whose classes' shares are Dirichlet(2).

    The counts are Dirichlet-multinomial, drawn exactly from an urn (`polya`). A class that has
    fewer images left than its count gives what it has, and the episode has fewer queries then.

    Protocol: Veilleux, Boudiaf, Piantanida, Ben Ayed 2021, "Realistic evaluation of transductive
    few-shot learning".
    """

    def episode(self, number: int) -> EpisodeIndices:
        """Returns one episode, as a batch of one."""
        protocol, draws = self.name.protocol, self.draws(number)
        ways, shots = protocol.ways, protocol.shots
        classes = draws.choose(ways, len(self.sizes))
        counts = polya(draws, ways, ways * protocol.queries, CONCENTRATION)
        rows = [
            self.rows(draws, chosen, min(shots + count, self.sizes[chosen]))
            for chosen, count in zip(classes, counts, strict=True)
        ]
        support = [some[:shots] for some in rows]
        return laid_out(draws, classes, support, [some[shots:] for some in rows])


def polya(draws: Draws, colours: int, total: int, balls: int) -> list[int]:
    """Returns how often each colour was drawn from Polya's urn, (colours,).

    The urn starts with `balls` of each colour; a ball that is drawn goes back with another of its
    colour. The counts are those of a multinomial whose probabilities are Dirichlet(balls).
    """
    drawn: list[int] = []
    counts = [0] * colours
    for _ in range(total):
        ball = draws.below(colours * balls + len(drawn))
        # The first balls are those of the start, each later one has the colour of a draw.
        colour = ball // balls if ball < colours * balls else drawn[ball - colours * balls]
        drawn.append(colour)
        counts[colour] += 1
    return counts

"""Variable ways and shots, imbalanced supports: the sampler of Meta-Dataset.

Algorithm: Triantafillou et al. 2020, "Meta-Dataset", section 3, with the numbers of its code.
"""

from __future__ import annotations

import math

from bench.errors import BenchError
from bench.protocols.drawing import DrawingSampler, laid_out
from bench.sampling import EpisodeIndices
from bench.words import Draws

LEAST_WAYS, MOST_WAYS = 5, 50
MOST_QUERIES = 10
"""Per class."""
MOST_SUPPORT = 500
MOST_OF_A_CLASS = 100
"""What a class counts for, at most, when the size of the support is drawn."""
LOG_WEIGHT = math.log(2)
"""A class's share of the support is weighted by up to twice, or half, its number of images."""


class VariableSampler(DrawingSampler):
    """Episodes of 5 to 50 ways, equally many queries per class, and supports of uneven classes.

    The sizes of supports come from products and exponentials of floating-point numbers that are
    rounded down. An exponential may differ in its last bit from one C library to another, and
    then, once in some 10**13 classes, an episode could be another. If so, the hash of the list
    tells.
    """

    def check(self) -> None:
        """Raises BenchError unless there are 5 classes (in a group), each of two images."""
        self._groups = self.groups()
        for numbers in self._groups:
            for number in numbers:
                if self.sizes[number] < 2:
                    raise BenchError(
                        f"class '{self.table.classes[number]}' of the {self.table.split} split "
                        f"has {self.sizes[number]} images; {self.name.protocol.kind} episodes "
                        "need 2 of each class, one to know and one to ask"
                    )

    def groups(self) -> list[list[int]]:
        """Returns the sets of classes from which episodes are drawn: here one, of all classes."""
        if len(self.sizes) < LEAST_WAYS:
            raise BenchError(
                f"{self.name.protocol.kind} episodes have at least {LEAST_WAYS} ways, but the "
                f"{self.table.split} split has {len(self.sizes)} classes"
            )
        return [list(range(len(self.sizes)))]

    def episode(self, number: int) -> EpisodeIndices:
        """Returns one episode, as a batch of one."""
        draws = self.draws(number)
        group = self._groups[draws.below(len(self._groups))]
        most = min(MOST_WAYS, len(group))
        ways = LEAST_WAYS + draws.below(most - LEAST_WAYS + 1)
        classes = [group[place] for place in draws.choose(ways, len(group))]
        sizes = [self.sizes[chosen] for chosen in classes]
        queries = query_count(sizes)
        support = support_counts(draws, sizes, queries)
        rows = [
            self.rows(draws, chosen, queries + known)
            for chosen, known in zip(classes, support, strict=True)
        ]
        asked = [some[:queries] for some in rows]
        return laid_out(draws, classes, [some[queries:] for some in rows], asked)


class VariableWithinSampler(VariableSampler):
    """The same, all classes of an episode from one group; groups are uniform.

    Groups of fewer than 5 classes are left out.
    """

    def groups(self) -> list[list[int]]:
        """Returns the groups from which episodes are drawn."""
        return self.table.members(LEAST_WAYS)


def query_count(sizes: list[int]) -> int:
    """Returns the number of queries per class, from the numbers of images of the classes (n,)."""
    return min(MOST_QUERIES, min(sizes) // 2)


def support_counts(draws: Draws, sizes: list[int], queries: int) -> list[int]:
    """Returns the number of support images of each class (n,), from 1 up, 500 in all at most."""
    left = [size - queries for size in sizes]
    share = draws.unit()
    total = min(MOST_SUPPORT, sum(int(share * min(MOST_OF_A_CLASS, n) + 1) for n in left))
    weights = [size * math.exp(LOG_WEIGHT * (2 * draws.unit() - 1)) for size in sizes]
    whole = math.fsum(weights)  # rounded once, so the same in all versions of Python
    spare = total - len(sizes)
    wanted = [int(weight / whole * spare) + 1 for weight in weights]
    return [min(want, n) for want, n in zip(wanted, left, strict=True)]

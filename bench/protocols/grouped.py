"""Episodes of inputs in groups, such as photos of one object: no group is known and asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.episodes import CONCENTRATION
from bench.errors import BenchError
from bench.protocols.dealing import Bounds, Budget, Loads, deal
from bench.protocols.dirichlet import polya
from bench.protocols.drawing import DrawingSampler, laid_out
from bench.protocols.table import ClassTable
from bench.sampling import EpisodeIndices, StreamName, check_protocol
from bench.words import Draws

SUPPORT, QUERY = 0, 1
TRIES = 50
"""Sets of classes that are tried before the one that is known to give an episode is taken."""
STEPS = 2_000_000
"""Steps of the search for such a set."""


@dataclass(frozen=True)
class Dealt:
    """Classes of an episode, by label, which of them is asked by a single query, and its sides."""

    classes: Sequence[int]
    asked: int
    sides: dict[int, int]


class GroupedSampler(DrawingSampler):
    """n-way k-shot episodes with q queries per class; no group of inputs is on both sides.

    Classes are drawn uniformly. The groups that have inputs of them come in random order, and each
    goes to the support side with a probability of k / (k + q), else to the query side, unless a
    class would then lack inputs on a side; so groups of one size are treated alike, and most
    inputs can be queries where most of an episode are. From a class's inputs on each side as many
    as are needed are drawn uniformly.

    Groups may span classes, as a user does who took photos of several. Then classes that cannot be
    in one episode are drawn again, which leaves all sets of classes that can as likely; after 50
    sets that cannot, or whose dealing took too long, one set that is known to work is taken.

    Raises:
        BenchError: some class, or every set of classes, cannot give an episode.
    """

    def __init__(self, name: StreamName, table: ClassTable) -> None:
        self._inside = rows_by_group(table)
        self._spans = spans(self._inside)
        super().__init__(name, table)

    def class_sets(self) -> list[list[int]]:
        """Returns the sets of classes that episodes are drawn from: here one, of all classes."""
        return [list(range(len(self.sizes)))]

    def queries(self, asked: bool) -> int:
        """Returns how many inputs a class must have on the query side."""
        return self.name.protocol.queries

    def query_counts(self, draws: Draws, dealt: Dealt, most: Sequence[int]) -> list[int]:
        """Returns how many queries each class gives, which has `most` on the query side."""
        return [self.queries(asked=True)] * len(most)

    def check(self) -> None:
        """Raises BenchError unless classes of this table give episodes."""
        self._sets = self.class_sets()
        for numbers in self._sets:
            part = self.table.of(numbers)
            check_protocol(self.name.protocol, part.sizes, part.classes, part.split)
            for number in numbers:
                self._check_alone(number)
        self._known = self._search() if self._spans else None

    def _check_alone(self, number: int) -> None:
        """Raises BenchError if a class by itself cannot be divided."""
        if self._dealt([number], 0, None, Budget()):
            return
        protocol, inside = self.name.protocol, self._inside[number]
        groups = "1 group" if len(inside) == 1 else f"{len(inside)} groups"
        raise BenchError(
            f"class '{self.table.classes[number]}' of the {self.table.split} split has "
            f"{self.sizes[number]} inputs in {groups}, which stay whole: they cannot be divided "
            f"into {protocol.shots} to know and {self.queries(asked=True)} to ask; ask for fewer "
            "--shots or --queries, or leave the class out"
        )

    def episode(self, number: int) -> EpisodeIndices:
        """Returns one episode, as a batch of one."""
        protocol, draws = self.name.protocol, self.draws(number)
        dealt = self._drawn(draws)
        known, asked = self._sides(dealt)
        support = [picked(draws, rows, protocol.shots) for rows in known]
        counts = self.query_counts(draws, dealt, [len(rows) for rows in asked])
        query = [picked(draws, rows, count) for rows, count in zip(asked, counts, strict=True)]
        return laid_out(draws, dealt.classes, support, query)

    def _drawn(self, draws: Draws) -> Dealt:
        """Draws classes, and deals their groups."""
        ways = self.name.protocol.ways
        for _ in range(TRIES if self._spans else 1):
            numbers = self._sets[draws.below(len(self._sets))]
            classes = [numbers[place] for place in draws.choose(ways, len(numbers))]
            budget = Budget(
                20 * sum(len(self._inside[c]) for c in classes) if self._spans else None
            )
            dealt = self._dealt(classes, draws.below(ways), draws, budget)
            if dealt:
                return dealt
        if self._known is None:
            raise AssertionError("a class that was checked cannot be dealt")
        order = draws.choose(ways, ways)
        classes = [self._known.classes[place] for place in order]
        return Dealt(classes, order.index(self._known.asked), self._known.sides)

    def _dealt(
        self, classes: Sequence[int], asked: int, draws: Draws | None, budget: Budget
    ) -> Dealt | None:
        """Deals the groups of some classes, in random order or else in that of their numbers."""
        groups = sorted({group for chosen in classes for group in self._inside[chosen]})
        if draws:
            groups = draws.shuffled(groups)
        holdings = [
            {
                label: len(self._inside[chosen][group])
                for label, chosen in enumerate(classes)
                if group in self._inside[chosen]
            }
            for group in groups
        ]
        shots = self.name.protocol.shots
        wanted = [self.queries(label == asked) for label in range(len(classes))]
        whole = shots + max(wanted)
        known = [draws is None or draws.below(whole) < shots for _ in groups]

        def prefer(place: int, loads: Loads) -> tuple[int, int]:
            return (SUPPORT, QUERY) if known[place] else (QUERY, SUPPORT)

        plenty = [[self.sizes[chosen]] * 2 for chosen in classes]
        bounds = Bounds([[shots, queries] for queries in wanted], plenty)
        sides = deal(holdings, bounds, prefer, budget)
        if sides is None:
            return None
        return Dealt(classes, asked, dict(zip(groups, sides, strict=True)))

    def _sides(self, dealt: Dealt) -> tuple[list[list[int]], list[list[int]]]:
        """Returns the rows of each class that may be support, and those that may be queries."""
        found: tuple[list[list[int]], list[list[int]]] = ([], [])
        for chosen in dealt.classes:
            for side, rows in enumerate(found):
                inside = self._inside[chosen].items()
                rows.append([r for group, own in inside if dealt.sides[group] == side for r in own])
        return found

    def _search(self) -> Dealt:
        """Returns classes that give an episode, if there are any: all sets are looked through."""
        budget, ways = Budget(STEPS), self.name.protocol.ways
        longest: list[int] = []
        failed = 0

        def grown(chosen: list[int], rest: Iterable[int]) -> Dealt | None:
            nonlocal longest, failed
            for number in rest:
                dealt = self._dealt([*chosen, number], 0, None, budget)
                if dealt and len(chosen) + 1 == ways:
                    return dealt
                if dealt:
                    others = [n for n in self._rest(numbers, number, chosen) if n not in chosen]
                    found = grown([*chosen, number], others)
                    if found:
                        return found
                elif len(chosen) > len(longest):
                    longest, failed = chosen, number
            return None

        for numbers in self._sets:
            found = grown([], numbers)
            if found:
                return found
        names = [f"'{self.table.classes[number]}'" for number in longest[:3]]
        spent = budget.left is not None and budget.left < 0
        found_out = "were found to give" if spent else "give"
        raise BenchError(
            f"no {ways} classes of the {self.table.split} split {found_out} an episode, as inputs "
            f"of one group stay on one side: class '{self.table.classes[failed]}' cannot join "
            f"{', '.join(names)}{', ...' if len(longest) > 3 else ''}; ask for fewer --ways, "
            "--shots or --queries"
        )

    def _rest(self, numbers: list[int], number: int, chosen: list[int]) -> Iterator[int]:
        """Yields the classes that are to be tried after one.

        The first goes with all others, as it may be the only one that is asked; further ones go
        with those that come later.
        """
        later = numbers if not chosen else numbers[numbers.index(number) + 1 :]
        yield from (other for other in later if other != number)


class GroupedWithinSampler(GroupedSampler):
    """The same, all classes of an episode from one group of classes; these are uniform."""

    def class_sets(self) -> list[list[int]]:
        """Returns the groups of classes that episodes are drawn from."""
        return self.table.members(self.name.protocol.ways)


class GroupedSingleSampler(GroupedSampler):
    """The same with one query in all, whose class is uniform among the episode's."""

    def queries(self, asked: bool) -> int:
        """Returns 1 for the class that is asked."""
        return int(asked)

    def query_counts(self, draws: Draws, dealt: Dealt, most: Sequence[int]) -> list[int]:
        """Returns how many queries each class gives: one does."""
        return [int(label == dealt.asked) for label in range(len(most))]


class GroupedDirichletSampler(GroupedSampler):
    """The same with n*q queries in all, whose classes' shares are Dirichlet(2).

    A class that has fewer inputs on the query side than its count, which are q at least, gives
    what it has.
    """

    def query_counts(self, draws: Draws, dealt: Dealt, most: Sequence[int]) -> list[int]:
        """Returns how many queries each class gives."""
        total = len(most) * self.name.protocol.queries
        counts = polya(draws, len(most), total, CONCENTRATION)
        return [min(pair) for pair in zip(counts, most, strict=True)]


def rows_by_group(table: ClassTable) -> list[dict[int, list[int]]]:
    """Returns the rows of each class by their group; without groups each row is one."""
    groups = range(int(table.offsets[-1])) if table.input_groups is None else table.input_groups
    found: list[dict[int, list[int]]] = []
    for first, last in zip(table.offsets[:-1].tolist(), table.offsets[1:].tolist(), strict=True):
        own: dict[int, list[int]] = {}
        for row in range(first, last):
            own.setdefault(int(groups[row]), []).append(row)
        found.append(own)
    return found


def spans(inside: Sequence[dict[int, list[int]]]) -> bool:
    """Tells whether some group has inputs of more than one class."""
    return len({group for own in inside for group in own}) < sum(map(len, inside))


def picked(draws: Draws, rows: Sequence[int], count: int) -> list[int]:
    """Returns `count` of the rows, distinct, in random order."""
    return [rows[place] for place in draws.choose(count, len(rows))]

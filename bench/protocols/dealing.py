"""Dealing: groups of inputs go to the sides of an episode, whole, and every class gets its due.

In general this is set splitting, which is NP-complete; but where groups do not span classes each
class is a small matter of its own, and where they do there is mostly room to spare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Loads = Sequence[Sequence[int]]
"""How many inputs of each class, by number, lie on each side."""
Holding = Mapping[int, int]
"""How many inputs of each class, by number, a group has."""
Preference = Callable[[int, Loads], Sequence[int]]
"""From the number of a group and the loads so far to the sides, the preferred one first."""


@dataclass
class Budget:
    """How many more steps a search may take; None is no limit."""

    left: int | None = None

    def spend(self) -> bool:
        """Takes one step; returns whether it was allowed."""
        if self.left is None:
            return True
        self.left -= 1
        return self.left >= 0


@dataclass(frozen=True)
class Bounds:
    """The least and the most inputs that each class may have on each side, [class][side]."""

    least: Sequence[Sequence[int]]
    most: Sequence[Sequence[int]]


def deal(
    holdings: Sequence[Holding], bounds: Bounds, prefer: Preference, budget: Budget
) -> list[int] | None:
    """Returns a side for each group, such that every class is within its bounds on every side.

    Groups are dealt in their order, each to the side that it prefers unless that leads nowhere.
    None means that there is no such dealing, or that the budget was spent before one was found.
    """
    sides = [0] * len(holdings)
    table = _Table.of(holdings, bounds)
    for component in _components(holdings, len(bounds.least)):
        if not _deal_component(component, table, prefer, sides, budget):
            return None
    return sides


@dataclass
class _Table:
    """What lies where, and what is yet to be dealt: inputs and groups of each class."""

    holdings: Sequence[Holding]
    bounds: Bounds
    loads: list[list[int]]
    left: list[int]
    groups_left: list[int]
    dead: set[tuple[int, tuple[tuple[int, ...], ...]]] = field(default_factory=set)

    @classmethod
    def of(cls, holdings: Sequence[Holding], bounds: Bounds) -> _Table:
        classes = len(bounds.least)
        left, groups = [0] * classes, [0] * classes
        for holding in holdings:
            for number, count in holding.items():
                left[number] += count
                groups[number] += 1
        return cls(holdings, bounds, [[0] * len(row) for row in bounds.least], left, groups)

    def put(self, group: int, side: int, sign: int = 1) -> None:
        """Puts a group on a side; with the sign -1, takes it back."""
        for number, count in self.holdings[group].items():
            self.loads[number][side] += sign * count
            self.left[number] -= sign * count
            self.groups_left[number] -= sign

    def fits(self, group: int, side: int) -> bool:
        """Tells whether the classes of a group just put can still come within their bounds."""
        for number in self.holdings[group]:
            loads, least = self.loads[number], self.bounds.least[number]
            if loads[side] > self.bounds.most[number][side]:
                return False
            missing = [want - has for want, has in zip(least, loads, strict=True) if want > has]
            if sum(missing) > self.left[number] or len(missing) > self.groups_left[number]:
                return False
        return True


@dataclass(frozen=True)
class _Component:
    """Groups that are linked by classes, in their order, and these classes."""

    groups: list[int]
    classes: list[int]


def _components(holdings: Sequence[Holding], classes: int) -> Iterator[_Component]:
    """Yields the sets of groups that can be dealt without regard to one another."""
    leader = list(range(classes))

    def find(number: int) -> int:
        while leader[number] != number:
            leader[number] = leader[leader[number]]
            number = leader[number]
        return number

    for holding in holdings:
        first, *others = map(find, holding)
        for other in others:
            leader[find(other)] = find(first)
    found: dict[int, _Component] = {}
    for number in range(classes):
        found.setdefault(find(number), _Component([], [])).classes.append(number)
    for group, holding in enumerate(holdings):
        found[find(next(iter(holding)))].groups.append(group)
    yield from found.values()


def _deal_component(
    component: _Component, table: _Table, prefer: Preference, sides: list[int], budget: Budget
) -> bool:
    """Deals the groups of a component, depth first; dead ends are remembered by their loads."""
    if any(sum(table.bounds.least[number]) > table.left[number] for number in component.classes):
        return False
    groups = component.groups
    choices: list[Iterator[int]] = []
    table.dead.clear()

    def state() -> tuple[int, tuple[tuple[int, ...], ...]]:
        return len(choices), tuple(tuple(table.loads[number]) for number in component.classes)

    while True:
        if len(choices) == len(groups):
            return True
        group = groups[len(choices)]
        if table.dead and state() in table.dead:
            choices.append(iter(()))
        else:
            choices.append(iter(prefer(group, table.loads)))
        while not _advance(groups[len(choices) - 1], choices[-1], table, sides, budget):
            if budget.left is not None and budget.left < 0:
                return False
            choices.pop()
            table.dead.add(state())
            if not choices:
                return False
            last = groups[len(choices) - 1]
            table.put(last, sides[last], -1)


def _advance(
    group: int, choices: Iterator[int], table: _Table, sides: list[int], budget: Budget
) -> bool:
    """Puts a group on the next of its sides that may do; returns whether there was one."""
    for side in choices:
        if not budget.spend():
            return False
        table.put(group, side)
        if table.fits(group, side):
            sides[group] = side
            return True
        table.put(group, side, -1)
    return False

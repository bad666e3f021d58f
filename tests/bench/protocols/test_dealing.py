"""Dealing groups: it finds a division exactly where trying all of them finds one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from bench.protocols.dealing import Bounds, Budget, Holding, Loads, deal


def loads_of(holdings: Sequence[Holding], sides: Sequence[int], bounds: Bounds) -> list[list[int]]:
    loads = [[0] * len(row) for row in bounds.least]
    for holding, side in zip(holdings, sides, strict=True):
        for number, count in holding.items():
            loads[number][side] += count
    return loads


def within(loads: Loads, bounds: Bounds) -> bool:
    rows = zip(loads, bounds.least, bounds.most, strict=True)
    return all(low <= load <= high for row in rows for load, low, high in zip(*row, strict=True))


def wished(wishes: Sequence[Sequence[int]], place: int, loads: Loads) -> Sequence[int]:
    return wishes[place]


def instance(rng: np.random.Generator) -> tuple[list[Holding], Bounds]:
    """Up to 8 groups of up to 4 classes on 2 or 3 sides, tight enough to fail half of the time."""
    classes, groups, sides = (int(rng.integers(*ends)) for ends in ((1, 5), (2, 9), (2, 4)))
    holdings: list[Holding] = []
    for _ in range(groups):
        some = rng.choice(classes, int(rng.integers(1, classes + 1)), replace=False)
        holdings.append({int(number): int(rng.integers(1, 4)) for number in some})
    least = rng.integers(0, 4, (classes, sides))
    most = least + rng.integers(0, 8, (classes, sides))
    return holdings, Bounds(least.tolist(), most.tolist())


@pytest.mark.parametrize("seed", range(4))
def test_a_division_is_found_exactly_where_trying_all_finds_one(seed: int) -> None:
    rng, found = np.random.default_rng(seed), [0, 0]
    for _ in range(150):
        holdings, bounds = instance(rng)
        sides = range(len(bounds.least[0]))
        possible = any(
            within(loads_of(holdings, tried, bounds), bounds)
            for tried in itertools.product(sides, repeat=len(holdings))
        )
        wishes = [rng.permutation(len(sides)).tolist() for _ in holdings]
        dealt = deal(holdings, bounds, partial(wished, wishes), Budget())
        assert (dealt is not None) == possible
        if dealt is not None:
            assert within(loads_of(holdings, dealt, bounds), bounds)
        found[possible] += 1
    assert min(found) > 20


def test_wishes_are_granted_where_there_is_room() -> None:
    holdings = [{0: 2}] * 6
    bounds = Bounds([[2, 2]], [[99, 99]])
    wish = [0, 1, 1, 1, 0, 1]
    assert deal(holdings, bounds, lambda place, _: (wish[place], 1 - wish[place]), Budget()) == wish


def test_many_classes_that_share_no_group_cost_no_more_than_one_after_another() -> None:
    """Each class alone has one division of 2**12; together there are 2**480 to try."""
    sizes = [1 << place for place in range(12)]
    holdings = [{number: size} for size in sizes for number in range(40)]
    whole, part = sum(sizes), 0b101100111010
    bounds = Bounds([[part, whole - part]] * 40, [[part, whole - part]] * 40)
    sides = deal(holdings, bounds, lambda place, loads: (0, 1), Budget(40 * 5000))
    assert sides is not None
    assert within(loads_of(holdings, sides, bounds), bounds)


def test_a_spent_budget_finds_nothing() -> None:
    holdings = [{0: 1}] * 10
    bounds = Bounds([[5, 5]], [[5, 5]])
    assert deal(holdings, bounds, lambda place, loads: (0, 1), Budget(4)) is None
    assert deal(holdings, bounds, lambda place, loads: (0, 1), Budget(100)) is not None

"""The catalogue: every item, by name."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache

from bench.errors import BenchError, nearest
from benchmarks import evaluation, gradient, protonet, sampling, startup
from benchmarks.item import Item


@cache
def all_items() -> dict[str, Item]:
    """Returns every item by name, in the order of the table."""
    families = (sampling, protonet, gradient, evaluation, startup)
    return {item.name: item for family in families for item in family.items()}


def find_item(name: str) -> Item:
    """Returns the item of that name; raises BenchError with the nearest match."""
    if name not in all_items():
        raise BenchError(f"no item '{name}'; {nearest(name, all_items())}")
    return all_items()[name]


def matching(patterns: Sequence[str]) -> list[Item]:
    """Returns the items whose names match any of the patterns, such as `maml-*`.

    Raises:
        BenchError: a pattern matches none.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in all_items()):
            raise BenchError(f"--items '{pattern}': {nearest(pattern, all_items())}")
    return [
        item
        for item in all_items().values()
        if any(fnmatchcase(item.name, pattern) for pattern in patterns)
    ]

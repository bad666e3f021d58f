"""Settings: what a run's name says of its parameters, and by which recipe it was made."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from bench.config import DATA_PREFIX, TEST_PREFIX
from bench.recipe import read_recipe, recipe_names, size_of
from bench.results import RunRecord

OF_DATA = (DATA_PREFIX, TEST_PREFIX)


def settings_of(record: RunRecord) -> list[str]:
    """Returns a run's parameters that the user set: `lr=0.01`; those of the data are left out.

    Of a run by a recipe that comes with bench, and is as it was then, only its name stands for all
    that it sets, as in `cpu` for omniglot/protonet-cpu; what is not as it sets it at any size, or
    was changed, follows.
    """
    chosen = record.config.get("set")
    own = chosen if isinstance(chosen, Mapping) else {}
    own = {key: str(value) for key, value in own.items() if not key.startswith(OF_DATA)}
    made_by = record.recipe
    if made_by is None or (known := _known(made_by.name, made_by.sha256)) is None:
        return [f"{key}={value}" for key, value in own.items()]
    name = made_by.name.rpartition("/")[2].removeprefix(f"{record.algorithm.name}-")
    changed = [text.partition(" (recipe")[0].removeprefix("set.") for text in made_by.changed]
    others = [f"{key}={value}" for key, value in own.items() if (key, value) not in known]
    return [name, *dict.fromkeys([*changed, *others])]


@functools.cache
def _known(name: str, sha256: str) -> frozenset[tuple[str, str]] | None:
    """Returns what a recipe sets at any of its sizes; None if there is none with this hash."""
    if name not in recipe_names():
        return None
    recipe = read_recipe(name)
    if recipe.sha256 != sha256:
        return None
    return frozenset(
        pair for size in recipe.sizes for pair in _flat(recipe.at(*size_of(size))["set"], "")
    )


def _flat(values: Mapping[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            yield f"{prefix}{key}", text

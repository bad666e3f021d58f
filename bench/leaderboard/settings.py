"""Settings: what a run's name says of its parameters, and by which recipe it was made."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from bench.config import DATA_PREFIX, TEST_PREFIX
from bench.recipe import Recipe, flat, read_recipe, recipe_names, size_of
from bench.results import RunRecord

OF_DATA = (DATA_PREFIX, TEST_PREFIX)


def settings_of(record: RunRecord) -> list[str]:
    """Returns a run's parameters that the user set: `lr=0.01`; those of the data are left out.

    Of a run by a recipe that comes with bench, and is as it was then, only its name stands for all
    that it sets, as in `cpu` for omniglot/protonet-cpu; what is not as it sets it at the size
    of the test, or was changed, follows.
    """
    chosen = record.config.get("set")
    own = chosen if isinstance(chosen, Mapping) else {}
    own = {key: str(value) for key, value in own.items() if not key.startswith(OF_DATA)}
    made_by = record.recipe
    if made_by is None or (recipe := _known(made_by.name, made_by.sha256)) is None:
        return [f"{key}={value}" for key, value in own.items()]
    name = made_by.name.rpartition("/")[2].removeprefix(f"{record.algorithm.name}-")
    known = _set_at(recipe, (record.protocol.ways, record.protocol.shots))
    changed = [text.partition(" (recipe")[0].removeprefix("set.") for text in made_by.changed]
    others = [f"{key}={value}" for key, value in own.items() if (key, value) not in known]
    return [name, *dict.fromkeys([*changed, *others])]


@functools.cache
def _known(name: str, sha256: str) -> Recipe | None:
    """Returns a recipe that comes with bench; None if there is none with this hash."""
    recipe = read_recipe(name) if name in recipe_names() else None
    return recipe if recipe and recipe.sha256 == sha256 else None


def _set_at(recipe: Recipe, size: tuple[int, int]) -> set[tuple[str, str]]:
    """Returns what a recipe sets at a size; of one that it is not for, what it sets at all."""
    sizes = [size_of(text) for text in recipe.sizes]
    wanted = [size] if size in sizes else sizes
    return set.intersection(*(set(flat(recipe.at(*one)["set"]).items()) for one in wanted))

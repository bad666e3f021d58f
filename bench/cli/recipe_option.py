"""`--recipe`: the values of a recipe for the flags that were not given."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from bench.cli.config_file import checked
from bench.errors import BenchError
from bench.measurements import RecipeRecord
from bench.parameters import read_assignments
from bench.recipe import Recipe, changes, read_recipe


def read_named(context: click.Context, _: click.Parameter, name: str | None) -> Recipe | None:
    """Reads a recipe; its algorithm and data become the defaults of these flags."""
    if name is None:
        return None
    recipe = read_recipe(name)
    known = {key: recipe.values[key] for key in ("algo", "data")}
    context.default_map = {**(context.default_map or {}), **known}
    return recipe


def by_recipe(recipe: Recipe, values: dict[str, Any]) -> tuple[dict[str, Any], RecipeRecord]:
    """Returns the values of a run with those of a recipe where none was given, and its record.

    Raises:
        BenchError: the recipe is not for these ways and shots, or one of its values is no flag's;
            or a --config file was given as well.
    """
    context = click.get_current_context()
    if context.params.get("config") or _from_file(context):
        raise BenchError("--recipe and --config both say how to train; give one of them")
    wanted = checked(recipe.at(values["ways"], values["shots"]), f"recipe {recipe.name}")
    settings = read_assignments(wanted.pop("set"))
    given = {
        key: values[key]
        for key in wanted
        if context.get_parameter_source(key) is ParameterSource.COMMANDLINE
    }
    of_set = {f"set.{key}": value for key, value in settings.items()}
    chosen = {f"set.{key}": value for key, value in values["set"].items()}
    changed = list(changes(wanted | of_set, given | chosen))
    changed += [f"{key}={value}" for key, value in chosen.items() if key not in of_set]
    merged = {**values, **wanted, **given, "set": {**settings, **values["set"]}}
    return merged, RecipeRecord(recipe.name, recipe.sha256, tuple(changed))


def _from_file(context: click.Context) -> bool:
    """Tells whether a config file was read, whose values are defaults by now."""
    return bool(set(context.default_map or {}) - {"algo", "data"})

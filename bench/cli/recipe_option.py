"""`--recipe`: the values of a recipe for the flags that were not given."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from bench.cli.config_file import checked
from bench.config import RunConfig
from bench.errors import BenchError
from bench.measurements import RecipeRecord
from bench.parameters import Value, read_assignments
from bench.recipe import FREE, Recipe, changes, read_recipe, recipe_names, size_of

_SIZE = ("ways", "shots")
_OF_THE_TEST = (*_SIZE, "queries", "episodes", "episode_seed", "protocol")


def complete_recipes(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Completes the name of a recipe."""
    return [name for name in recipe_names() if name.startswith(incomplete)]


def read_named(context: click.Context, _: click.Parameter, name: str | None) -> Recipe | None:
    """Reads a recipe; its algorithm and data become the defaults of these flags.

    Raises:
        BenchError: there is no such recipe, or one of its values, at any size, is no flag's.
    """
    if name is None:
        return None
    recipe = read_recipe(name)
    for size in recipe.sizes:
        _values(recipe, *size_of(size))
    known = {key: recipe.values[key] for key in ("algo", "data")}
    context.default_map = {**(context.default_map or {}), **known}
    return recipe


def by_recipe(
    recipe: Recipe, values: Mapping[str, Any], places: tuple[str, ...] = ()
) -> tuple[dict[str, Any], RecipeRecord]:
    """Returns the values of a run with those of a recipe where none was given, and its record.

    `places` are the datasets that it is tested on, if not on its own.

    Raises:
        BenchError: the recipe is not for these ways and shots, or for another algorithm; or a
            --config file was given as well.
    """
    context = click.get_current_context()
    if context.get_parameter_source("config") is ParameterSource.COMMANDLINE:
        raise BenchError("--recipe and --config both say how to train; give one of them")
    if values["algo"] != recipe.values["algo"]:
        raise BenchError(
            f"--algo is {values['algo']}, but recipe {recipe.name} is for {recipe.values['algo']}; "
            "leave out --algo, or --recipe"
        )
    said = {
        key: value
        for key, value in values.items()
        if context.get_parameter_source(key) is ParameterSource.COMMANDLINE
    }
    wanted = _values(recipe, *_size(values))
    settings = read_assignments(wanted.pop("set"))
    own_test = _own_test(wanted, said)
    wanted = {key: value for key, value in wanted.items() if key not in own_test}
    given = {key: value for key, value in said.items() if key in wanted}
    of_set = {f"set.{key}": value for key, value in settings.items()}
    chosen = {f"set.{key}": value for key, value in values["set"].items()}
    changed = list(changes(wanted | of_set, given | chosen))
    changed += _besides(said, {*wanted, *_SIZE})
    changed += [f"test_data={place}" for place in places if place != values["data"]]
    changed += [f"{key}={value}" for key, value in chosen.items() if key not in of_set]
    merged = {**values, **wanted, **given, "set": {**settings, **values["set"]}}
    return merged, RecipeRecord(recipe.name, recipe.sha256, tuple(changed))


def _values(recipe: Recipe, ways: int | None, shots: int | None) -> dict[str, Any]:
    return checked(recipe.at(ways, shots), f"recipe {recipe.name}")


def _size(values: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Returns the ways and shots that were asked for: by flags, or by a file of episodes."""
    from bench.sealed import read_sealed

    ways, shots = values["ways"], values["shots"]
    if values["episodes_file"] is None or (ways, shots) != (None, None):
        return ways, shots
    protocol = read_sealed(Path(values["episodes_file"])).protocol
    return (protocol.ways, protocol.shots) if set(_SIZE) <= set(protocol.sizes) else (None, None)


def _own_test(wanted: Mapping[str, Any], said: Mapping[str, Value]) -> tuple[str, ...]:
    """Returns the values of a recipe's test that make no sense in the one that was asked for.

    A file of episodes says all by itself, and other kinds of episodes have other sizes.
    """
    from bench.episodes import KINDS, EpisodeProtocol

    if said.get("episodes_file") is not None:
        return _OF_THE_TEST
    kind = said.get("protocol")
    if kind in (None, wanted.get("protocol", RunConfig.protocol)):
        return ()
    for known in KINDS:
        if known == kind:
            sizes = EpisodeProtocol(wanted["ways"], wanted["shots"], 1, known).sizes
            return (*(name for name in (*_SIZE, "queries") if name not in sizes), "episodes")
    return ()


def _besides(said: Mapping[str, Any], of_the_recipe: set[str]) -> Iterator[str]:
    """Yields what was asked for that the recipe leaves to the algorithm or the data."""
    for field in dataclasses.fields(RunConfig):
        name = field.name
        if name in of_the_recipe or name in (*FREE, "set"):
            continue
        if said.get(name, field.default) != field.default:
            yield f"{name}={said[name]}"

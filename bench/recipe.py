"""Recipes: files that say how a method is trained on a dataset, value by value, and why.

A recipe is TOML. Its keys are the flags of `bench run`, and besides: `about` (one sentence),
`budget` (paper, cpu or smoke), `[sizes.5w1s]` (what is special at 5 ways and 1 shot; the sizes
named are those that the recipe is for, the first is the default), `[sources]` (where a value was
read, by its key, such as `steps` or `set.lr`, or by size, `5w1s.steps`), `[departures]` (what
differs from the source, by key, and why).
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench.errors import BenchError, nearest
from bench.parameters import Value

FOLDER = Path(__file__).with_name("recipes")
Budget = Literal["paper", "cpu", "smoke"]
_OWN = ("about", "budget", "sizes", "sources", "departures")


@dataclass(frozen=True)
class Recipe:
    """A recipe as it was read: `values` by the names of flags, `set` being a table of its own.

    `sizes` are ways and shots, with the values that are special there. The sha256 is that of all
    values, whatever the words about them.
    """

    name: str
    sha256: str
    about: str
    budget: Budget
    values: dict[str, Any]  # as TOML has them; bench.cli checks them as those of a config file
    sizes: dict[str, dict[str, Any]]
    sources: dict[str, str] = field(default_factory=dict)
    departures: dict[str, str] = field(default_factory=dict)

    def at(self, ways: int | None, shots: int | None) -> dict[str, Any]:
        """Returns the values for a size; None is that of the first size the recipe names.

        Raises:
            BenchError: the recipe is not for this size.
        """
        first = size_of(next(iter(self.sizes)))
        size = f"{ways or first[0]}w{shots or first[1]}s"
        if size not in self.sizes:
            raise BenchError(
                f"recipe {self.name} is for {', '.join(self.sizes)}, not for {size}; for that, "
                "copy what --print-config prints into a --config file"
            )
        special, wanted = self.sizes[size], dict(zip(("ways", "shots"), size_of(size), strict=True))
        merged = {**self.values.get("set", {}), **special.get("set", {})}
        return {**self.values, **special, **wanted, "set": merged}


@dataclass(frozen=True)
class _Part:
    about: str
    budget: Budget
    sizes: dict[str, dict[str, Any]]
    sources: dict[str, str] = field(default_factory=dict)
    departures: dict[str, str] = field(default_factory=dict)


def size_of(text: str) -> tuple[int, int]:
    """Returns ways and shots of a text such as 5w1s; raises BenchError if it is none."""
    ways, between, rest = text.partition("w")
    if not (between and rest.endswith("s") and ways.isdecimal() and rest[:-1].isdecimal()):
        raise BenchError(f"'{text}' is no size; write ways and shots such as 5w1s")
    return int(ways), int(rest[:-1])


@functools.cache
def recipe_names() -> tuple[str, ...]:
    """Returns the names of the recipes that come with bench, sorted."""
    return tuple(
        sorted(p.relative_to(FOLDER).with_suffix("").as_posix() for p in FOLDER.rglob("*.toml"))
    )


def read_recipe(name: str) -> Recipe:
    """Reads a recipe by its name, or by the path of a file that ends in .toml.

    Raises:
        BenchError: there is no such recipe, or its file is not one.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if path.parent != Path(name).parent and name not in recipe_names():
        raise BenchError(f"there is no recipe '{name}'; {nearest(name, recipe_names())}")
    try:
        content = path.read_bytes()
        values = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise BenchError(f"--recipe {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"--recipe {path} is not valid TOML: {error}") from None
    own = {key: values.pop(key) for key in _OWN if key in values}
    plain = {key.replace("-", "_"): value for key, value in values.items()}
    try:
        part = msgspec.convert(own, _Part)
    except msgspec.ValidationError as error:
        raise BenchError(f"--recipe {path}: {error}") from None
    for size in part.sizes:
        size_of(size)
    missing = [key for key in ("algo", "data") if key not in plain]
    if missing or not part.sizes:
        raise BenchError(f"--recipe {path} has no {(missing or ['sizes'])[0]}; it needs that")
    digest = hashlib.sha256(msgspec.json.encode([plain, part.sizes], order="sorted")).hexdigest()
    return Recipe(
        Path(name).stem if name.endswith(".toml") else name,
        digest,
        part.about,
        part.budget,
        plain,
        part.sizes,
        part.sources,
        part.departures,
    )


def changes(recipe: Mapping[str, Any], given: Mapping[str, Value | None]) -> tuple[str, ...]:
    """Returns what a run has in place of a recipe's values, as texts for reading.

    Both are flat: parameters stand under `set.NAME`.
    """
    return tuple(
        f"{key}={given[key]} (recipe: {value})"
        for key, value in recipe.items()
        if key in given and given[key] != value
    )

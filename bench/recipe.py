"""Recipes: files that say how a method is trained on a dataset, value by value, and why.

A recipe is TOML. Its keys are the flags of `bench run`, and besides: `about` (one sentence),
`budget` (paper, cpu, floor for what is not trained, smoke, own), `[sizes.5w1s]` (what is special
at 5 ways and 1 shot; the sizes named are those that the recipe is for, the first is the default;
5w1s if none is named),
`[sources]` (where a value was read, by its key, such as `steps` or `set.lr`, or by size,
`5w1s.steps`), `[departures]` (what differs from the source, by key, and why; a name with a
capital, such as Rotation, is a topic of its own). It does not say what is of one run or one
machine, such as the seed.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench.errors import BenchError
from bench.parameters import Value

FOLDER = Path(__file__).with_name("recipes")
Budget = Literal["paper", "cpu", "floor", "smoke", "own"]
_OWN = ("about", "budget", "sizes", "sources", "departures")
_SIZE = re.compile(r"([1-9][0-9]*)w([1-9][0-9]*)s")
_OF_A_RUN = ("seed", "test_data", "resize_test", "episodes_file")
_OF_A_MACHINE = ("device", "threads", "out", "data_root", "download", "checkpoint_every")
FREE = ("seed", *_OF_A_MACHINE)
"""Flags that no recipe has a say in, and that make no other recipe of it."""


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
        first, *_ = by_size = {size_of(text): values for text, values in self.sizes.items()}
        size = (first[0] if ways is None else ways, first[1] if shots is None else shots)
        if size not in by_size:
            raise BenchError(
                f"recipe {self.name} is for {', '.join(self.sizes)}, not for {size[0]}w{size[1]}s; "
                "for another size put what --print-config prints into a file, change that, and "
                "give it with --config"
            )
        special, wanted = by_size[size], dict(zip(("ways", "shots"), size, strict=True))
        merged = _merged(self.values.get("set", {}), special.get("set", {}))
        return {**self.values, **special, **wanted, "set": merged}


def _merged(common: Mapping[str, Any], special: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a table with the values of a special one in it, table by table."""
    return dict(common) | {
        key: _merged(common[key], value)
        if isinstance(value, dict) and isinstance(common.get(key), dict)
        else value
        for key, value in special.items()
    }


@dataclass(frozen=True)
class _Part:
    about: str = ""
    budget: Budget = "own"
    sizes: dict[str, dict[str, Any]] = field(default_factory=lambda: {"5w1s": {}})
    sources: dict[str, str] = field(default_factory=dict)
    departures: dict[str, str] = field(default_factory=dict)


def size_of(text: str) -> tuple[int, int]:
    """Returns ways and shots of a text such as 5w1s; raises BenchError if it is none."""
    found = _SIZE.fullmatch(text)
    if not found:
        raise BenchError(f"'{text}' is no size; write ways and shots such as 5w1s")
    return int(found[1]), int(found[2])


@functools.cache
def recipe_names() -> tuple[str, ...]:
    """Returns the names of the recipes that come with bench, sorted."""
    return tuple(
        sorted(p.relative_to(FOLDER).with_suffix("").as_posix() for p in FOLDER.rglob("*.toml"))
    )


def recipe_path(name: str) -> Path:
    """Returns the file of a recipe by its name, or by its path, which ends in .toml."""
    return Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"


def read_recipe(name: str) -> Recipe:
    """Reads a recipe by its name, or by the path of a file that ends in .toml.

    Raises:
        BenchError: there is no such recipe, or its file is not one.
    """
    path = recipe_path(name)
    if not name.endswith(".toml") and name not in recipe_names():
        raise BenchError(f"there is no recipe '{name}'; {_near(name)}see bench list recipes")
    try:
        content = path.read_bytes()
        values = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise BenchError(f"--recipe {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"--recipe {path} is not valid TOML: {error}") from None
    own = {key: values.pop(key) for key in _OWN if key in values}
    plain = _as_flags(values)
    try:
        part = msgspec.convert(own, _Part)
    except msgspec.ValidationError as error:
        raise BenchError(f"--recipe {path}: {error}") from None
    sizes = {size: _as_flags(special) for size, special in part.sizes.items()}
    _check(f"--recipe {path}", plain, sizes)
    digest = hashlib.sha256(msgspec.json.encode([plain, sizes], order="sorted")).hexdigest()
    return Recipe(
        path.stem if name.endswith(".toml") else name,
        digest,
        part.about,
        part.budget,
        plain,
        sizes,
        part.sources,
        part.departures,
    )


def _near(name: str) -> str:
    """Returns a guess at the recipe that was meant; all of them are too many for a message."""
    short = {known.rpartition("/")[2]: known for known in recipe_names()}
    close = difflib.get_close_matches(name, [*recipe_names(), *short], n=1)
    return f"did you mean '{short.get(close[0], close[0])}'? " if close else ""


def _as_flags(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key.replace("-", "_"): value for key, value in values.items()}


def _check(origin: str, values: Mapping[str, Any], sizes: Mapping[str, dict[str, Any]]) -> None:
    """Raises BenchError for a size that is none, and for values that no recipe may have."""
    missing = [key for key in ("algo", "data") if key not in values]
    if missing or not sizes:
        raise BenchError(f"{origin} has no {(missing or ['sizes'])[0]}; it needs that")
    for size, special in sizes.items():
        size_of(size)
        _check_keys(origin, special, ("algo", "data"), f"is the same at all sizes, not at {size}")
    for part in (values, *sizes.values()):
        _check_keys(origin, part, ("ways", "shots"), "follows from [sizes]")
        _check_keys(origin, part, (*_OF_A_RUN, *_OF_A_MACHINE), "is for each run to choose")
        if not isinstance(part.get("set", {}), dict):
            raise BenchError(f"{origin}: 'set' must be a table, such as [set] then lr = 0.001")


def _check_keys(origin: str, values: Mapping[str, Any], refused: Iterable[str], why: str) -> None:
    for key in refused:
        if key in values:
            raise BenchError(f"{origin} has '{key}', which {why}; leave it out")


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Returns parameters by their whole names, `data.size`, as texts: so records have them."""
    return dict(_flattened(values, prefix))


def _flattened(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{prefix}{key}.")
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            yield f"{prefix}{key}", text


def changes(recipe: Mapping[str, Any], given: Mapping[str, Value | None]) -> tuple[str, ...]:
    """Returns what a run has in place of a recipe's values, as texts for reading.

    Both are flat: parameters stand under `set.NAME`. A number is the same however it is written.
    """
    return tuple(
        f"{key}={given[key]} (recipe: {value})"
        for key, value in recipe.items()
        if key in given and not _same(given[key], value)
    )


def _same(one: object, other: object) -> bool:
    try:
        return one == other or float(str(one)) == float(str(other))
    except ValueError:
        return str(one).lower() == str(other).lower()

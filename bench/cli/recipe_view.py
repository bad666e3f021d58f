"""Recipes as a user reads them: all in a list, or one in full."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.cli.table import table
from bench.recipe import Recipe, recipe_path, size_of

_HEADINGS = ("name", "budget", "sizes")


def recipe_list(recipes: Sequence[Recipe]) -> str:
    """Returns a table of recipes; below each what it is, and how many steps it trains."""
    rows = [_HEADINGS, *((one.name, one.budget, " ".join(one.sizes)) for one in recipes)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = ["  ".join([*map(str.ljust, row, widths), row[2]]) for row in rows]
    told = ["", *(_wrapped(f"{one.about} Steps: {_steps(one)}.", "  ") for one in recipes)]
    return "\n".join(line for pair in zip(lines, told, strict=True) for line in pair if line)


def recipe_in_full(recipe: Recipe, given: str) -> str:
    """Returns what a recipe is, each value with its source, departures, and the command.

    `given` is what it was asked for by: its name, or the path of its file.
    """
    ways, shots = size_of(list(recipe.sizes)[-1])
    run = f"bench run --recipe {given}"
    several = len(recipe.sizes) > 1
    commands = [run, *([f"{run} --ways {ways} --shots {shots}"] if several else [])]
    rows = [
        {"flag": key, "value": _by_size(values), "source": _source(recipe, key, values)}
        for key, values in _values(recipe).items()
    ]
    known = {key for key, values in _values(recipe).items() for key in _names(key, values)}
    rest = {key: text for key, text in recipe.sources.items() if key not in known}
    return "\n".join(
        [
            f"{recipe.name} (recipe, {recipe.budget})",
            _wrapped(recipe.about),
            f"sizes: {', '.join(recipe.sizes)}" + ("; --ways and --shots choose" * several),
            f"file: {recipe_path(given)}",
            "",
            table(rows, wrapped=("value", "source")),
            *_told("further sources", rest),
            *_told("departures", recipe.departures),
            "",
            *(f"run it: {command}" for command in commands),
        ]
    )


def _told(title: str, texts: Mapping[str, str]) -> Iterator[str]:
    """Yields a title, and each text after its key; nothing if there are none."""
    if texts:
        yield f"\n{title}:"
    for key, text in texts.items():
        yield _wrapped(f"- {key}: {text}", "", "  ")


def _wrapped(text: str, first: str = "", others: str | None = None) -> str:
    width = shutil.get_terminal_size((80, 24)).columns
    indent = first if others is None else others
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _values(recipe: Recipe) -> dict[str, dict[str, str]]:
    """Returns each value as a text at each size that has it, by its key, such as `set.lr`."""
    found: dict[str, dict[str, str]] = {}
    for size in recipe.sizes:
        values = recipe.at(*size_of(size))
        plain = {key: value for key, value in values.items() if key not in ("ways", "shots")}
        for key, value in _flat({**plain, "set": plain.pop("set")}):
            found.setdefault(key, {})[size] = (
                str(value).lower() if isinstance(value, bool) else str(value)
            )
    return found


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _by_size(values: Mapping[str, str]) -> str:
    """Returns texts by size as one, such as `1 (1-shot), 5 (5-shot)`; or that of all sizes."""
    distinct = list(dict.fromkeys(values.values()))
    if len(distinct) == 1:
        return distinct[0]
    return ", ".join(f"{text} ({_which(values, text)})" for text in distinct)


def _which(values: Mapping[str, str], text: str) -> str:
    """Returns the sizes that have a text: by their ways or shots, if these alone decide."""
    sizes = [size for size, value in values.items() if value == text]
    for place, noun in enumerate(("way", "shot")):
        parts = {size_of(size)[place] for size in sizes}
        if [size for size in values if size_of(size)[place] in parts] == sizes:
            return ", ".join(f"{part}-{noun}" for part in sorted(parts))
    return ", ".join(sizes)


def _steps(recipe: Recipe) -> str:
    return _by_size(_values(recipe).get("steps", {"": "as the algorithm plans"}))


def _names(key: str, sizes: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the keys by which a value may be explained, as a whole and at each size."""
    return (key, *(f"{size}.{key}" for size in sizes))


def _source(recipe: Recipe, key: str, sizes: Mapping[str, str]) -> str:
    """Returns where a value was read; what was said of single sizes follows."""
    texts = [recipe.sources[key]] if key in recipe.sources else []
    for size in sizes:
        text = recipe.sources.get(f"{size}.{key}")
        texts += [f"{size}: {text}"] if text else []
    if any(name in recipe.departures for name in _names(key, sizes)):
        texts.append("departs, see below")
    return "; ".join(texts) or "-"

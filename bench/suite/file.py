"""Suite files: TOML into the parts of a suite, or a line that says which key is wrong, and how.

This module knows what keys a suite has by the dataclasses that it is given.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from bench.errors import BenchError, nearest
from bench.seedlist import seeds_in

EXAMPLES: Mapping[str, str] = {
    "about": 'about = "My table"',
    "data": 'data = "glyphs"',
    "test": "[test] on a line of its own, and episodes = 1000 below it",
    "queries": "queries = 15",
    "episodes": "episodes = 1000",
    "episode_seed": "episode_seed = 0",
    "tolerance": "[tolerance] on a line of its own, and points = 1.0 below it",
    "points": "points = 1.0",
    "deviations": "deviations = 2.0",
    "training": "[[training]] on a line of its own, and below it a recipe and its sizes",
    "recipe": 'recipe = "my-recipe.toml"',
    "sizes": 'sizes = { 5w1s = ["5w1s", "20w1s"] }',
    "seeds": 'seeds = [0, 1, 2], or seeds = "0..2"',
    "steps": "steps = 1000",
    "own_test": "own_test = true",
    "why": 'why = "Trained for a quarter of the steps."',
    "modes": 'modes = [{}, { name = "each query alone", set = { alone = true } }]',
    "name": 'name = "each query alone"',
    "set": "set = { alone = true }",
    "published": 'published = "ProtoNet"',
}
"""Each key of a suite as it may be written."""
_LONGEST = 60
"""Characters of a value that are shown."""
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_MISSING = re.compile(r"missing required field `(\w+)`")
_AT = re.compile(r" - at `\$(.*)`")

Keys = tuple[str | int, ...]
Kind = TypeVar("Kind")


def read_parts(path: Path, kind: type[Kind]) -> Kind:
    """Reads a file into a dataclass that has others in it; unknown keys are refused.

    Raises:
        BenchError: it cannot be read, or a key is missing, unknown, or of another type.
    """
    content = _content(path)
    for keys, values, part in _tables((), content, kind):
        known = [field.name for field in fields(part)]
        for key in values:
            if key not in known:
                place = _place(path, content, keys)
                raise BenchError(f"{place} has an unknown key '{key}'; {nearest(key, known)}")
    _spell_out_seeds(path, content)
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise BenchError(_told(path, content, str(error))) from None


def _content(path: Path) -> dict[str, Any]:
    """Returns what a TOML file says; raises BenchError if that is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BenchError(
            f"{path} cannot be read: {error.strerror}; name a folder with a {path.name}"
        ) from None
    except UnicodeDecodeError as error:
        raise BenchError(f"{path} is not text in UTF-8 ({error.reason}); save it as that") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        number = re.search(r"at line (\d+)", message)
        lines = text.splitlines()
        line = lines[int(number[1]) - 1].strip() if number and int(number[1]) <= len(lines) else ""
        example = EXAMPLES.get(line.partition("=")[0].strip(), EXAMPLES["about"])
        shown = f", {_shown(line)}" if line else ""
        raise BenchError(
            f"{path} is not valid TOML: {message}{shown}; write lines such as {example}"
        ) from None


def _tables(
    keys: Keys, values: object, kind: type[Any]
) -> Iterator[tuple[Keys, Mapping[str, object], type[Any]]]:
    """Yields each table of a file with the dataclass that it is meant for."""
    if not isinstance(values, Mapping):
        return
    yield keys, values, kind
    for name, hint in get_type_hints(kind).items():
        inner, value = (*get_args(hint), None)[0], values.get(name)
        if is_dataclass(hint) and isinstance(hint, type):
            yield from _tables((*keys, name), value, hint)
        elif is_dataclass(inner) and isinstance(inner, type) and isinstance(value, list):
            for number, each in enumerate(value):
                yield from _tables((*keys, name, number), each, inner)


def _spell_out_seeds(path: Path, content: dict[str, Any]) -> None:
    """Puts numbers in the place of seeds such as "0..4"."""
    trainings = content.get("training")
    for number, training in enumerate(trainings if isinstance(trainings, list) else ()):
        seeds = training.get("seeds") if isinstance(training, dict) else None
        if isinstance(seeds, str):
            training["seeds"] = seeds_in(
                seeds, f"{_place(path, content, ('training', number))}: seeds"
            )


def _told(path: Path, content: Mapping[str, Any], error: str) -> str:
    """Returns a line about what a file does not say rightly, from msgspec's words."""
    at = _AT.search(error)
    steps = _STEP.findall(at[1]) if at else []
    keys: Keys = tuple(int(number) if number else name for name, number in steps)
    missing = _MISSING.search(error)
    if missing:
        place = _place(path, content, keys)
        return f"{place} has no {missing[1]}; write it as in {EXAMPLES[missing[1]]}"
    last = max((n for n, key in enumerate(keys) if key in EXAMPLES), default=None)
    if last is None:
        return f"{path} is not a suite: {error}"
    name, value = str(keys[last]), _value(content, keys[: last + 1])
    place = _place(path, content, keys[:last])
    return f"{place}: {name} is {_shown(value)}; write it as in {EXAMPLES[name]}"


def _value(content: object, keys: Keys) -> Any:  # TOML values are anything
    for key in keys:
        content = content[key]  # type: ignore[index]  # msgspec has been there
    return content


def _place(path: Path, content: Mapping[str, Any], keys: Keys) -> str:
    """Returns where in a file a table is: `suite.toml, [[training]] 2 (recipe.toml), mode 1`."""
    parts = [str(path)]
    for number, key in enumerate(keys):
        if isinstance(key, str):
            parts += [f"[{key}]"] if keys[number + 1 :] == () else []
            continue
        table, name = _value(content, keys[: number + 1]), keys[number - 1]
        recipe = table.get("recipe") if isinstance(table, Mapping) else None
        label = f"[[{name}]] {key + 1}" if number == 1 else f"mode {key + 1}"
        parts.append(f"{label} ({recipe})" if isinstance(recipe, str) else label)
    return ", ".join(parts)


def _shown(value: object) -> str:
    """Returns a value, shortened, as it is written."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = f"'{text}'" if isinstance(value, str) else text
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."

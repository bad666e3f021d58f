"""Marked parts of a text, which a command writes and a person leaves alone.

A part stands between the lines `<!-- report: NAME -->` and `<!-- end report -->`, each alone on its
line, and not within a block of code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bench.errors import BenchError, nearest

_BEGIN = re.compile(r"<!-- report: (?P<name>.+?) -->")
_END = "<!-- end report -->"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class Marked(NamedTuple):
    """A part: its name, and the numbers of the lines that mark it, from 0."""

    name: str
    begin: int
    end: int


def rewritten(text: str, parts: Mapping[str, str], where: str) -> str:
    """Returns a text with the parts of these names replaced; `where` is what errors call it.

    Other names stay as they are.

    Raises:
        BenchError: a name is not marked, or twice, or the marks do not go together.
    """
    lines = text.split("\n")
    known = [*marked(lines, where)]
    for name in parts:
        if name not in {one.name for one in known}:
            have = nearest(name, [one.name for one in known]) if known else "it has none"
            raise BenchError(
                f"{where} has no part '{name}' ({have}); where it belongs, write the lines "
                f"<!-- report: {name} --> and {_END}"
            )
    for one in reversed(known):
        if one.name in parts:
            lines[one.begin + 1 : one.end] = ["", *parts[one.name].split("\n"), ""]
    return "\n".join(lines)


def marked(lines: list[str], where: str) -> Iterator[Marked]:
    """Yields the marked parts of lines in order; raises BenchError as `rewritten` does."""
    seen: dict[str, int] = {}
    opened: tuple[str, int] | None = None
    for number, line in _outside_code(lines):
        begin = _BEGIN.fullmatch(line)
        place = f"{where}, line {number + 1}"
        if begin and opened:
            raise BenchError(
                f"{place}: '{begin['name']}' begins within '{opened[0]}'; put {_END} before it"
            )
        if begin and begin["name"] in seen:
            first = seen[begin["name"]] + 1
            raise BenchError(
                f"{place}: '{begin['name']}' is in line {first} already; keep one of them"
            )
        if begin:
            opened = begin["name"], number
            seen[begin["name"]] = number
        elif line == _END and opened is None:
            raise BenchError(f"{place}: {_END} ends nothing; put <!-- report: NAME --> before it")
        elif line == _END and opened is not None:
            yield Marked(*opened, number)
            opened = None
    if opened:
        raise BenchError(
            f"{where}, line {opened[1] + 1}: '{opened[0]}' has no end; put {_END} behind it"
        )


def _outside_code(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yields the lines that are not in a block of code, without spaces at their ends."""
    fence = ""
    for number, line in enumerate(lines):
        found = _FENCE.match(line)
        if not fence and found:
            fence = found[1]
        elif fence and found and found[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        elif not fence:
            yield number, line.strip()

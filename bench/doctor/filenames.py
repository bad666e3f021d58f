"""File names: those that do not survive on another system, or in an archive."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from bench.doctor.finding import Affected, Finding, readable

LONGEST = 255
"""Bytes of a name on most systems."""
_FORBIDDEN = re.compile(r'[<>:"\\|?*\x00-\x1f]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?")


def on_names(names: Sequence[str]) -> Iterator[Finding]:
    """Yields findings on the paths of files, with `/`, and on the folders in them."""
    parts = sorted({parent for name in names for parent in _with_parents(name)})
    broken = [name for name in parts if _is_no_text(PurePosixPath(name).name)]
    if broken:
        cure = "rename them; a class's folder with such a name is refused"
        title = "names that are not UTF-8"
        affected = tuple(Affected(readable(name)) for name in broken)
        yield Finding("encoding", "warning", title, cure, affected)
    fragile = [
        Affected(readable(name), why)
        for name in parts
        if name not in broken and (why := _fragility(PurePosixPath(name).name))
    ]
    if fragile:
        cure = "rename them if the folder is to go anywhere else"
        title = "names that do not survive on other systems"
        yield Finding("fragile-name", "note", title, cure, (*fragile,))
    yield from _on_twins(parts)


def _with_parents(name: str) -> Iterable[str]:
    pure = PurePosixPath(name)
    return [str(pure), *(str(parent) for parent in pure.parents if parent.name)]


def _is_no_text(part: str) -> bool:
    return any("\udc80" <= c <= "\udcff" for c in part)


def _fragility(part: str) -> str:
    """Returns why a name would not survive; empty if it would."""
    if found := _FORBIDDEN.search(part):
        return f"{ascii(found.group())[1:-1]} is forbidden on Windows"
    if _RESERVED.fullmatch(part):
        return "is reserved on Windows"
    if part.endswith((".", " ")):
        return "ends with a dot or space, which Windows drops"
    if len(part.encode()) > LONGEST:
        return f"is longer than {LONGEST} bytes"
    return ""


def _on_twins(names: Sequence[str]) -> Iterator[Finding]:
    """Yields a finding if names differ by what some file systems do not tell apart."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[unicodedata.normalize("NFC", name).casefold()].append(name)
    affected = tuple(
        Affected(readable(name), "", number)
        for number, found in enumerate((f for f in alike.values() if len(f) > 1), 1)
        for name in found
    )
    if affected:
        cure = "on macOS and Windows only one of them is left after copying; rename them"
        title = "names that differ by capitals or accents' encoding only"
        yield Finding("twin-names", "warning", title, cure, affected)

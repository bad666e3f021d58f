"""What the hooks of a plugin answer, checked before anything relies on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, get_args

from bench.backbones import Backbone, BackboneFamily, Reads
from bench.errors import BenchError, nearest

T = TypeVar("T")
Answers = Mapping[str, object]
"""What each hook returned, by the hook's name."""


def checked_classes(answers: Answers, hook: str, base: type[T]) -> list[type[T]]:
    """Returns the classes that a hook answered.

    Raises:
        BenchError: it is no list, or something in it is no subclass of `base` or has no name.
    """
    found = []
    for cls in _listed(answers, hook, f"subclasses of {base.__name__}"):
        if not (isinstance(cls, type) and issubclass(cls, base)):
            raise BenchError(f"{hook} returned {cls!r}, not a subclass of {base.__name__}")
        if not isinstance(getattr(cls, "name", None), str):
            raise BenchError(f"{cls.__name__} has no name; add: name = '...'")
        found.append(cls)
    return found


def checked_backbones(answers: Answers, hook: str) -> list[Backbone | BackboneFamily]:
    """Returns the backbones, and families of them, that a hook answered.

    Raises:
        BenchError: it is no list, or something in it is neither, or says of itself what cannot be.
    """
    found = []
    for entry in _listed(answers, hook, "backbones"):
        if not isinstance(entry, Backbone | BackboneFamily):
            raise BenchError(f"{hook} returned {entry!r}, not a Backbone or a BackboneFamily")
        name = entry.name if isinstance(entry, Backbone) else entry.prefix
        if not isinstance(name, str) or not name or ":" in name:
            raise BenchError(f"{hook} returned the name {name!r}; give one without a colon")
        if isinstance(entry, Backbone) and entry.reads not in get_args(Reads):
            hint = nearest(str(entry.reads), get_args(Reads))
            raise BenchError(f"backbone '{name}' reads '{entry.reads}'; {hint}")
        found.append(entry)
    return found


def _listed(answers: Answers, hook: str, of: str) -> list[object]:
    answer = answers[hook]
    if not isinstance(answer, list | tuple):
        raise BenchError(f"{hook} returned {answer!r}, not a list of {of}")
    return list(answer)

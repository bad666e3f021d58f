"""Errors that the user can mend: printed as one line, without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class BenchError(Exception):
    """Says in one line what was wrong, with its value, and what would be right."""

    exit_code: ClassVar[int] = 4


class RunFailed(BenchError):
    """A run that could not end: out of memory, a non-finite loss, a plugin's exception."""

    exit_code: ClassVar[int] = 1


class Interrupted(BenchError):
    """A run that was stopped on request and can be continued."""

    exit_code: ClassVar[int] = 2


class Busy(BenchError):
    """A run that another process is working on."""

    exit_code: ClassVar[int] = 3


class NothingMatched(BenchError):
    """A question that was well put and has an empty answer."""

    exit_code: ClassVar[int] = 5


MANY = 60
"""Names that are too many for a message, if some of them are near."""


def nearest(value: str, known: Iterable[str]) -> str:
    """Returns the end of an error message: the nearest match to `value`, then all that is known.

    If many are known, only those near `value` follow, or their number if there are none.
    """
    names = sorted(known)
    close = difflib.get_close_matches(value, names, n=8, cutoff=0.5)
    hint = f"did you mean '{close[0]}'? " if close else ""
    if close and len(names) > MANY:
        return f"{hint}near, of {len(names)} known: {', '.join(sorted(close))}"
    if len(names) > MANY:
        return f"{len(names)} others are known"
    return f"{hint}known: {', '.join(names) if names else 'none'}"

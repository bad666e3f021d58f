"""Findings: one kind of trouble, whom it befalls, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True)
class Affected:
    """A file or class that a finding is about, what is so with it, and with whom it belongs.

    Those of one `group`, counted from 1, are alike; 0 is none.
    """

    name: str
    detail: str = ""
    group: int = 0


@dataclass(frozen=True)
class Finding:
    """One kind of trouble.

    An error is what a run refuses, or what makes its numbers wrong; a warning what may make them
    wrong or leaves something out; a note what one should know.
    """

    kind: str
    severity: Severity
    title: str
    cure: str
    affected: tuple[Affected, ...]

    @property
    def count(self) -> int:
        """How many are affected: groups, if it is about groups."""
        return max((one.group for one in self.affected), default=0) or len(self.affected)


def images_in_words(count: int) -> str:
    """Returns `1 image` or `2 images`."""
    return f"{count:,} image{'' if count == 1 else 's'}"


def readable(name: str) -> str:
    """Returns a file's name as one can print it: bytes that are no text, and control characters,
    as their codes."""
    text = name.encode(errors="backslashreplace").decode()
    return "".join(c if c.isprintable() or c == "\u200d" else ascii(c)[1:-1] for c in text)

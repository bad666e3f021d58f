"""Strays: files among the images that are none, hidden or plain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.doctor.finding import Affected, Finding, readable
from bench.doctor.inventory import FoundFile
from bench.endings import may_be_image
from bench.filetree import is_hidden
from bench.sniffing import is_image


@dataclass(frozen=True)
class Sorted:
    """The files that are to hold images, and what is to be said of the others."""

    images: tuple[FoundFile, ...]
    findings: tuple[Finding, ...]


def sort_out(files: Sequence[FoundFile]) -> Sorted:
    """Tells the files that a run reads as images from those that it passes over."""
    hidden = [one for one in files if is_hidden(one.name)]
    seen = [one for one in files if not is_hidden(one.name)]
    passed = [one for one in seen if not may_be_image(one.name)]
    return Sorted(
        tuple(one for one in seen if may_be_image(one.name)),
        tuple(_on_passed(hidden, passed)),
    )


def _on_passed(hidden: Sequence[FoundFile], passed: Sequence[FoundFile]) -> Iterator[Finding]:
    missed = [one for one in (*hidden, *passed) if _holds_image(one)]
    if missed:
        cure = "they are passed over because of their names; rename those that you want"
        title = "images that are hidden, or called otherwise"
        yield Finding("missed", "warning", title, cure, _named(missed))
    left = [one for one in hidden if one not in missed]
    if left:
        cure = "they are passed over; nothing need be done"
        yield Finding("hidden", "note", "hidden files", cure, _named(left))
    others = [one for one in passed if one not in missed]
    if others:
        cure = "they are passed over because of their endings; nothing need be done"
        yield Finding("passed-over", "note", "other files", cure, _named(others))


def _holds_image(one: FoundFile) -> bool:
    """Tells whether it is an image by its first bytes, and none of macOS's companions of files."""
    try:
        return is_image(one.head())
    except OSError:
        return False


def _named(files: Sequence[FoundFile]) -> tuple[Affected, ...]:
    return tuple(Affected(readable(one.name)) for one in files)

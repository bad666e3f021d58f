"""Tables of a diagnosis: all findings per file, and a listing in which lookalikes share a group."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.doctor.copies import Groups
from bench.doctor.diagnosis import Diagnosis
from bench.doctor.finding import readable
from bench.errors import BenchError


def findings_table(diagnosis: Diagnosis) -> bytes:
    """Returns a CSV: a row for each finding and file, or class, that it befalls."""
    rows = [
        (one.severity, one.kind, who.name, who.detail, str(who.group or ""), one.cure)
        for one in diagnosis.findings
        for who in one.affected
    ]
    return _csv([("severity", "kind", "name", "detail", "group", "cure"), *rows])


def group_table(diagnosis: Diagnosis, target: Path) -> bytes:
    """Returns a CSV for `--data folder:FILE`: path, class, split if there are any, and group.

    Images that are nearly the same share a group, as do those to which a table gave one; others
    have none. Paths start at the folder of `target`. Images that cannot be decoded, or whose names
    are no text, are left out.

    Raises:
        BenchError: the images are in a zip.
    """
    root = diagnosis.inventory.folder
    if root is None:
        raise BenchError(
            f"--group-csv lists files, and those in {diagnosis.path} are in a zip: unpack it first"
        )
    names, images = _group_names(diagnosis), diagnosis.images
    has_splits = any(one.placed.split for one in images)
    header = ("path", "class", "split", "group") if has_splits else ("path", "class", "group")
    rows = []
    for one, group in zip(images, names, strict=True):
        path = os.path.relpath((root / one.placed.file.name).absolute(), target.absolute().parent)
        if readable(path) == path:
            split = (one.placed.split or "",) if has_splits else ()
            rows.append((Path(path).as_posix(), one.placed.class_name, *split, group))
    return _csv([header, *rows])


def _group_names(diagnosis: Diagnosis) -> list[str]:
    """Returns the group of each image as a text: that of its first member; empty if it is alone."""
    images, near = diagnosis.images, diagnosis.near
    given = [one.placed.group for one in images]
    first, second = [], []
    for numbers in (near.numbers.tolist(), given):
        seen: dict[object, int] = {}
        for place, number in enumerate(numbers):
            if number == "":
                continue
            first.append(seen.setdefault(number, place))
            second.append(place)
    together = Groups.by_links(len(images), first, second).numbers.tolist()
    sizes = Counter(together)
    names: dict[int, str] = {}
    for place, number in enumerate(together):
        names.setdefault(number, given[place] or images[place].name)
    return [
        names[number] if sizes[number] > 1 or given[place] else ""
        for place, number in enumerate(together)
    ]


def _csv(rows: Sequence[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode(errors="backslashreplace")

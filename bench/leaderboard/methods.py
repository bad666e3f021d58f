"""Methods: rows of several tables that are the same method, as far as one can tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bench.leaderboard.row import Row
from bench.leaderboard.standing import Standing
from bench.leaderboard.variants import Variants
from bench.results import TrainingRecord

CHOSEN = ("steps", "meta_batch", "ways", "shots", "queries", "schedule")
"""What of a training is named where the rows of one test differ in it."""


@dataclass(frozen=True)
class Method:
    """What makes rows of several tables one row: the part of the table, and the row's name.

    `trained_on` is empty if it was trained on the data that it was tested on; `apart` is what else
    had to be said because a table has several rows of this name.
    """

    section: str
    label: str
    backbone: str
    trained_on: str
    apart: str = ""

    @property
    def name(self) -> str:
        """The label with what sets it apart."""
        return f"{self.label} [{self.apart}]" if self.apart else self.label


class Place(NamedTuple):
    """A row in the table of that number, the method it is of, and its standing there."""

    table: int
    method: Method
    row: Row
    standing: Standing | None
    best: bool


def method_of(section: str, row: Row, variants: Variants) -> Method:
    """Returns the method of a row, by the names that the tables show."""
    record = row.first.record
    trained_on = variants.label(record.data) if record.test_data else ""
    return Method(section, row.first.label, record.algorithm.backbone, trained_on)


def told_apart(places: Sequence[Place]) -> list[Place]:
    """Returns the places with no two of one method in a table.

    Where a table has several rows of one name, these differ in their training or in what no table
    shows: then they are named by what of the training differs, and after that by their runs.
    """
    found = []
    for group in _by_method(places):
        differing = _differing(group)
        named = [_renamed(place, _training_text(place.row, differing)) for place in group]
        for same in _by_method(named):
            crowded = _crowded(same)
            found += [
                _renamed(place, _run_text(place, same)) if place.table in crowded else place
                for place in same
            ]
    return found


def _by_method(places: Sequence[Place]) -> list[list[Place]]:
    groups: dict[Method, list[Place]] = defaultdict(list)
    for place in places:
        groups[place.method].append(place)
    return [*groups.values()]


def _crowded(places: Sequence[Place]) -> set[int]:
    """Returns the tables that have several of these rows."""
    tables = [place.table for place in places]
    return {table for table in tables if tables.count(table) > 1}


def _differing(places: Sequence[Place]) -> list[str]:
    """Returns what of the training differs between rows of one table."""
    crowded = _crowded(places)
    return [
        field
        for field in CHOSEN
        if any(
            len({_value(place.row, field) for place in places if place.table == table}) > 1
            for table in crowded
        )
    ]


def _value(row: Row, field: str) -> str:
    training: TrainingRecord = row.first.record.training
    return str(getattr(training, field))


def _training_text(row: Row, fields: Sequence[str]) -> str:
    return ", ".join(f"{field}={_value(row, field)}" for field in fields)


def _run_text(place: Place, same: Sequence[Place]) -> str:
    name = place.row.first.folder.name
    folders = [other.row.first.folder for other in same]
    if [folder.name for folder in folders].count(name) > 1:
        name = str(place.row.first.folder)
    return ", ".join(text for text in (place.method.apart, f"run {name}") if text)


def _renamed(place: Place, apart: str) -> Place:
    return place._replace(method=replace(place.method, apart=apart)) if apart else place

"""Asked: the tests of a suite as lines by size, with those that have no result that counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row
from bench.recipe import size_of
from bench.reproduction.line import Line
from bench.reproduction.names import algorithms_of, method_of, recipe_labels
from bench.reproduction.number import number_of
from bench.reproduction.result import Result, results
from bench.reproduction.verdict import verdict_of
from bench.suite import Suite, Test, read_suite
from bench.suite.state import Found, found_among, runs_below

Entries = Mapping[Path, Entry]


class Place(NamedTuple):
    """What the seeds of a line share, by numbers in the order of the suite's file.

    Sorted by them, lines of one algorithm stand together, and the paper's own test comes first.
    """

    algorithm: int
    training: int
    trained: int
    mode: int
    common: bool


@dataclass(frozen=True)
class Part:
    """One tested size: every test that was asked for, by place, and the lines that came of them."""

    size: str
    asked: Mapping[Place, tuple[Result, ...]]
    found: Mapping[Place, Line]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines in order."""
        return tuple(self.found.values())


@dataclass(frozen=True)
class Reproduction:
    """A suite, what came of it by tested size, and the finished runs that trained.

    `unreadable` has a line for each record that could not be read, and `altered` for each run in
    the folder that is no longer as it was written; neither is in the table.
    """

    suite: Suite
    parts: tuple[Part, ...]
    trainings: tuple[Entry, ...]
    unreadable: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all sizes."""
        return tuple(line for part in self.parts for line in part.lines)


def reproduce(folder: Path) -> Reproduction:
    """Reads the suite of a folder, and what is there of its tests.

    Raises:
        BenchError: there is no suite, or it is not one.
    """
    suite = read_suite(folder)
    runs, unreadable = runs_below(folder)
    entries = {run.folder: run for run in runs}
    altered = tuple(f"{path}: {one.altered}" for path, one in entries.items() if one.altered)
    table = reproduction(suite, found_among(suite, runs), entries)
    return replace(table, unreadable=unreadable, altered=altered)


def reproduction(suite: Suite, tests: Sequence[Found], entries: Entries) -> Reproduction:
    """Puts the tests of a suite, each with what was found of it, into lines by size.

    `entries` has the runs in which they were found.
    """
    known = [*results(tests)]
    algorithms, labels = algorithms_of(suite), recipe_labels(suite)
    groups: dict[str, dict[Place, list[Result]]] = {}
    for one in (one for one in known if one.test.counted):
        places = groups.setdefault(one.test.size, {})
        places.setdefault(_place(suite, one.test, algorithms), []).append(one)
    trained = {
        _weights(suite, one.test): entries[one.folder]
        for one in known
        if one.folder and one.is_done and not one.test.evaluated
    }
    parts = []
    for size in sorted(groups, key=size_of):
        asked = {place: tuple(groups[size][place]) for place in sorted(groups[size])}
        done = {place: [one for one in seeds if one.is_done] for place, seeds in asked.items()}
        lines = {
            place: _line(suite, seeds, entries, trained, algorithms, labels[place.training])
            for place, seeds in done.items()
            if seeds
        }
        parts.append(Part(size, asked, lines))
    return Reproduction(suite, tuple(parts), tuple(trained.values()))


def _line(
    suite: Suite,
    seeds: Sequence[Result],
    entries: Entries,
    trained: Mapping[tuple[int, str, int], Entry],
    algorithms: Sequence[str],
    label: str,
) -> Line:
    """Returns the line of finished tests that differ in the seed alone."""
    ordered = sorted(seeds, key=lambda one: one.test.seed)
    test = ordered[0].test
    row = Row(tuple(entries[one.folder] for one in ordered if one.folder))
    weights = Row(tuple(trained[_weights(suite, one.test)] for one in ordered))
    number = number_of(test.mode.published, suite.data, test.size)
    verdict = verdict_of(row, number, suite.tolerance)
    method = method_of(suite, test, algorithms)
    return Line(test, method, label, row, weights, number, verdict)


def _weights(suite: Suite, test: Test) -> tuple[int, str, int]:
    """Returns what the tests of the same weights share."""
    return suite.training.index(test.training), test.trained, test.seed


def _place(suite: Suite, test: Test, algorithms: Sequence[str]) -> Place:
    training = suite.training.index(test.training)
    return Place(
        algorithms.index(algorithms[training]),
        training,
        [*test.training.sizes].index(test.trained),
        test.training.modes.index(test.mode),
        not test.own,
    )

"""Compact: the reproduction table with a line for each method, for a README."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bench.config import TRAIN
from bench.leaderboard.figure import short_figure
from bench.leaderboard.markup import Cells, grid
from bench.leaderboard.timings import core_seconds, has_core_seconds
from bench.recipe import size_of
from bench.reproduction.asked import Reproduction
from bench.reproduction.cells import share_text, size_text
from bench.reproduction.line import Line
from bench.reproduction.names import algorithms_of, method_of, recipe_labels
from bench.reproduction.result import Result
from bench.reproduction.verdict import Word
from bench.suite import Suite

_SIGNS: dict[Word, str] = {"pass": "✓", "above": "↑", "miss": "✗"}
_ENDS = tuple(f"{sign})" for sign in _SIGNS.values())
NOT_RUN = "not run"
BRACKETS = (
    "In brackets the published number: ✓ reproduced, ↑ ours is better, ✗ missed, by a tolerance "
    "fixed beforehand; none where nothing comparable was published."
)
SPREAD = "±: over episodes, of several seeds over trainings."
UNCLEAR = "?: the paper's setting is unclear."


class _Asked(NamedTuple):
    """One of the lines that a suite asks for at a size, and what came of it, if anything did."""

    first: Result
    line: Line | None


def compact(table: Reproduction) -> str:
    """Returns a line for each method, mode and recipe with a column for each size, as markdown.

    Only the test that all rows share counts. Of weights trained at several sizes, those trained
    at the size of the column are shown, else those trained with its shots, else the first.
    Trainings by one recipe that are tested at different sizes share their lines. What was not run
    at any size is named below.
    """
    suite = table.suite
    algorithms, labels = algorithms_of(suite), recipe_labels(suite)
    homes = _homes(suite)
    rows: dict[tuple[int, int, int], dict[str, list[_Asked]]] = {}
    for part in table.parts:
        for place, seeds in part.asked.items():
            if place.common:
                cells = rows.setdefault((place.algorithm, *homes[place.training, place.mode]), {})
                one = _Asked(seeds[0], part.found.get(place))
                cells.setdefault(part.size, []).append(one)
    lines, absent = [], []
    for (_, training, _), cells in sorted(rows.items()):
        chosen = {size: _nearest(asked) for size, asked in cells.items()}
        test = next(iter(chosen.values())).first.test
        names = {
            "method": method_of(suite, test, algorithms),
            "mode": test.mode.name or "-",
            "recipe": labels[training],
        }
        if all(asked.line is None and _state(asked.first) == NOT_RUN for asked in chosen.values()):
            absent.append(f"{names['method']} ({names['recipe']})")
            continue
        lines.append(names | _cells(chosen, [part.size for part in table.parts]))
    if not lines:
        return ""
    rest = f"\n\nNot run yet: {', '.join(_distinct(absent))}." if absent else ""
    figures = [line.get(size_text(part.size), "") for line in lines for part in table.parts]
    return f"{grid(_only_telling(lines), 'markdown')}\n\n{_legend(figures)}{rest}"


def _homes(suite: Suite) -> dict[tuple[int, int], tuple[int, int]]:
    """Returns for each training and mode, by number, those that its figures stand in the line of.

    That is the first of the same recipe, steps and name, if none of the sizes tested are the same.
    """
    homes: dict[tuple[int, int], tuple[int, int]] = {}
    first: dict[tuple[object, ...], tuple[int, int]] = {}
    taken: dict[tuple[int, int], set[str]] = {}
    for number, training in enumerate(suite.training):
        sizes = {size for tested in training.sizes.values() for size in tested}
        for place, mode in enumerate(training.modes):
            own = number, place
            alike = training.recipe, training.steps, mode.name, mode.published
            home = first.setdefault(alike, own)
            if taken.get(home, set()) & sizes:
                home = own
            homes[own] = home
            taken.setdefault(home, set()).update(sizes)
    return homes


def _only_telling(lines: Sequence[Cells]) -> list[Cells]:
    """Returns the cells without the columns in which no line has anything of note."""
    told = {
        name
        for line in lines
        for name, text in line.items()
        if text not in ("", "-") and (name, text) != ("trained on", TRAIN)
    }
    return [{name: text for name, text in line.items() if name in told} for line in lines]


def _legend(figures: Sequence[str]) -> str:
    """Returns what the signs in these cells mean."""
    legend = [BRACKETS] if any(text.endswith(_ENDS) for text in figures) else []
    return " ".join([*legend, SPREAD, *([UNCLEAR] if any("?" in text for text in figures) else [])])


def _cells(chosen: Mapping[str, _Asked], sizes: Sequence[str]) -> Cells:
    lines = [asked.line for asked in chosen.values() if asked.line]
    trained_on = [line.trained_on for line in lines if any(line.steps)]
    return {
        "changed": "; ".join(_distinct(text for line in lines for text in line.changed)),
        "trained on": " / ".join(_distinct(trained_on)) or "-",
        "setting": " / ".join(_distinct(line.measured for line in lines)) or "-",
        **{size_text(size): _cell(chosen[size]) if size in chosen else "" for size in sizes},
        "steps": " / ".join(_distinct(_steps(line) for line in lines)) or "-",
        "core-minutes": _minutes(lines),
    }


def _nearest(lines: Sequence[_Asked]) -> _Asked:
    """Returns the line whose weights were trained for a size, of those tested at it."""

    def distance(asked: _Asked) -> int:
        test = asked.first.test
        alike = size_of(test.trained)[1] == size_of(test.size)[1]
        return 0 if test.trained == test.size else 2 - alike

    return min(lines, key=distance)


def _cell(asked: _Asked) -> str:
    """Returns `98.42 ± 0.20 (98.8 ✓)`; a `?` follows a number whose setting is unclear."""
    line = asked.line
    if line is None:
        return _state(asked.first)
    text = short_figure(line.row)
    if line.number is None or line.verdict.word == "-":
        return text
    unclear = "?" if line.number.setting == "unclear" else ""
    published = line.number.text.partition(" ")[0]
    return f"{text} ({published}{unclear} {_SIGNS[line.verdict.word]})"


def _state(one: Result) -> str:
    """Returns what stands in place of a figure."""
    return one.state if one.state == "failed" or one.refused else NOT_RUN


def _steps(line: Line) -> str:
    """Returns the fewest steps of a line's seeds, with their share of the recipe's."""
    steps = line.steps[0]
    if line.asked is None or steps == line.asked:
        return f"{steps:,}" if steps else "-"
    return f"{steps:,} ({share_text(steps, line.asked)})"


def _minutes(lines: Sequence[Line]) -> str:
    """Returns the core-minutes of a training, from the least to the most of them."""
    entries = [e for line in lines for e in line.trained.entries if e.record.training.steps_done]
    known = [seconds / 60 for entry in entries if (seconds := core_seconds(entry)) is not None]
    if not known:
        return "-"
    ends = [_minute_text(end) for end in (min(known), max(known))]
    clock = "" if all(map(has_core_seconds, entries)) else " (by the clock)"
    return "-".join(_distinct(ends)) + clock


def _minute_text(minutes: float) -> str:
    if minutes < 0.05:
        return "<0.1"
    return f"{minutes:,.0f}" if minutes >= 10 else f"{minutes:.1f}"


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))

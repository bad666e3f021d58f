"""Sections: which rows of a table may be ranked together."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row, rows_of
from bench.leaderboard.standing import Standing, standings

ALONE, TOGETHER = "each query judged alone", "queries inform one another"
UNAUDITED = "as declared, not measured"
AUDIT_ERROR = "the audit found an error: not ranked"
ALTERED = "altered since the run wrote them: not ranked"
UNFINISHED = "not finished"
RANKED = (ALONE, TOGETHER, f"{ALONE}, {UNAUDITED}", f"{TOGETHER}, {UNAUDITED}")
TITLES = (*RANKED, AUDIT_ERROR, ALTERED, UNFINISHED)


@dataclass(frozen=True)
class Section:
    """Rows that stand together, best first, and the standing of each where they are ranked."""

    title: str
    rows: tuple[Row, ...]
    standings: tuple[Standing | None, ...]

    @property
    def ranked(self) -> bool:
        """Whether there is a ranking."""
        return self.title in RANKED


def sections_of(entries: Iterable[Entry]) -> tuple[Section, ...]:
    """Splits runs on the same episodes into sections, in the order of TITLES."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(title_of(entry), []).append(entry)
    return tuple(_section(title, groups[title]) for title in TITLES if title in groups)


def title_of(entry: Entry) -> str:
    """Returns the section of a run: what was measured counts, else what is declared."""
    if entry.record.outcome is None or entry.record.status != "complete":
        return UNFINISHED
    if entry.altered:
        return ALTERED
    if entry.measured == "error":
        return AUDIT_ERROR
    known = entry.measured or entry.declared
    kind = ALONE if known == "inductive" else TOGETHER
    return kind if entry.measured else f"{kind}, {UNAUDITED}"


def _section(title: str, entries: list[Entry]) -> Section:
    rows = tuple(sorted(rows_of(entries), key=_order))
    found = standings(rows) if title in RANKED else (None,) * len(rows)
    return Section(title, rows, found)


def _order(row: Row) -> tuple[float, str, str]:
    mean = row.mean
    if mean is None:
        return (math.inf, row.first.label, row.first.record.name)
    best_first = -mean if row.metric.higher_is_better else mean
    return (best_first, row.first.label, row.first.record.name)

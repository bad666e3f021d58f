"""Tables: runs below a folder, split by the episodes that they were tested on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.episode_ids import relation
from bench.errors import BenchError, NothingMatched
from bench.leaderboard.entry import Entry, EpisodesKey, read_entry
from bench.leaderboard.row import Row
from bench.leaderboard.sections import Section, sections_of
from bench.leaderboard.several import comparison_of_datasets
from bench.leaderboard.variants import Variants, variants_of
from bench.results import find_runs

TableKey = tuple[str, str, str, int, str]
"""Data, protocol, fingerprint, number of episodes, and the hash of their list."""


@dataclass(frozen=True)
class Table:
    """Runs on the same test episodes, in sections, and what to know of these episodes."""

    title: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of all sections."""
        return tuple(row for section in self.sections for row in section.rows)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The runs of all sections."""
        return tuple(entry for row in self.rows for entry in row.entries)


@dataclass(frozen=True)
class Leaderboard:
    """All tables, what they say together, and a line for each folder that could not be read.

    `variants` names the data so that those of other parameters have another name.
    """

    tables: tuple[Table, ...]
    unreadable: tuple[str, ...]
    variants: Variants
    notes: tuple[str, ...] = ()


def collect(root: Path) -> Leaderboard:
    """Reads every run below `root`.

    Raises:
        BenchError: there is no such folder.
        NothingMatched: no run is in it.
    """
    if not root.is_dir():
        raise BenchError(f"there is no folder {root}; runs are written to results/ by default")
    entries, unreadable = [], []
    for folder in find_runs(root):
        try:
            entries.append(read_entry(folder))
        except BenchError as error:
            unreadable.append(str(error))
    if not entries and not unreadable:
        raise NothingMatched(
            f"no runs in {root}; make one: bench run --algo protonet --data glyphs"
        )
    variants = variants_of(entries)
    tables = _tables(entries, variants)
    sections = [section for table in tables for section in table.sections]
    return Leaderboard(tables, tuple(unreadable), variants, comparison_of_datasets(sections))


def _tables(entries: Sequence[Entry], variants: Variants) -> tuple[Table, ...]:
    """Splits runs by the list of their episodes; those that have none yet, by what decides it."""
    sealed: dict[EpisodesKey, str] = {
        e.episodes: e.record.protocol.sha256 for e in entries if e.record.protocol.sha256
    }
    groups: dict[TableKey, list[Entry]] = {}
    for entry in entries:
        sha256 = entry.record.protocol.sha256 or sealed.get(entry.episodes, "")
        groups.setdefault((*entry.episodes[:4], sha256), []).append(entry)
    return tuple(
        Table(_title(key, members, variants), sections_of(members), tuple(_longer(key, groups)))
        for key, members in sorted(groups.items())
    )


def _title(key: TableKey, members: Sequence[Entry], variants: Variants) -> str:
    _, protocol, _, episodes, sha256 = key
    name = variants.label(members[0].record.tested)
    what = f"episodes {sha256[:8]}" if sha256 else "not evaluated yet"
    return f"{name}, {protocol}, {episodes} test episodes ({what})"


def _longer(key: TableKey, groups: dict[TableKey, list[Entry]]) -> Iterator[str]:
    """Yields a note for each other table whose episodes begin with all of this one's."""
    for other, members in sorted(groups.items()):
        same = other[:3] == key[:3] and other[3] > key[3] and other[4] and key[4]
        if same and _begins(members[0], groups[key][0]):
            yield (
                f"these {key[3]} episodes are the first of the {other[3]} of the table of episodes "
                f"{other[4][:8]}; bench compare pairs runs of both on them"
            )


def _begins(longer: Entry, shorter: Entry) -> bool:
    """Tells whether a run's episodes begin with another's: by their ids, else by their seed."""
    if longer.scores and shorter.scores and longer.scores.ids and shorter.scores.ids:
        return relation(longer.scores.ids, shorter.scores.ids) == "prefix"
    one, two = longer.record.protocol, shorter.record.protocol
    return (one.episode_seed, one.kind, one.sampler_version, one.file_sha256) == (
        two.episode_seed,
        two.kind,
        two.sampler_version,
        two.file_sha256,
    )

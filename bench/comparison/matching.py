"""Matching: which episodes two runs have in common, so that their scores can be paired."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.results import RunRecord
from bench.scores import Scores

LEAST_SHARE = 0.5
"""Runs that share less of the shorter list than this are compared as independent samples."""


@dataclass(frozen=True)
class ComparedRun:
    """A finished run: its name for reading, its record, and what each episode scored."""

    name: str
    record: RunRecord
    scores: Scores


@dataclass(frozen=True)
class Match:
    """The episodes of two runs that belong together: indices (n,) into each run's list.

    `how` says how they were found; with none in common, the indices are empty.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    how: str

    def __len__(self) -> int:
        return len(self.first)


def check_comparable(a: RunRecord, b: RunRecord) -> None:
    """Raises BenchError unless both were tested on the same data by the same protocol."""
    one, two = a.tested, b.tested
    if one.name != two.name or one.fingerprint != two.fingerprint:
        raise BenchError(
            f"{a.name} was tested on {one.name} ({one.fingerprint[:8]}), {b.name} on {two.name} "
            f"({two.fingerprint[:8]}); only runs on the same data can be compared"
        )
    if a.protocol.id != b.protocol.id:
        raise BenchError(
            f"{a.name} was tested on {a.protocol.id}, {b.name} on {b.protocol.id}; only runs of "
            "the same protocol can be compared"
        )


def match(a: ComparedRun, b: ComparedRun) -> Match:
    """Returns the episodes that two runs have in common, by their ids.

    Runs of before there were ids are matched by number, if data, protocol, seed and sampler are
    the same: episode i follows from these, whatever the length of the list.
    """
    if a.scores.ids and b.scores.ids:
        return _by_id(a.scores.ids, b.scores.ids)
    one, two = a.record.protocol, b.record.protocol
    same_source = (one.episode_seed, one.kind, one.sampler_version, one.file_sha256) == (
        two.episode_seed,
        two.kind,
        two.sampler_version,
        two.file_sha256,
    )
    other_list = len(a.scores) == len(b.scores) and one.sha256 != two.sha256
    if not same_source or other_list:
        return _none("they were tested on different episodes")
    how = "paired by number, as their seed is the same (earlier runs have no episode ids)"
    return _prefix(len(a.scores), len(b.scores), how)


def _by_id(a: tuple[str, ...], b: tuple[str, ...]) -> Match:
    shorter = min(len(a), len(b))
    if a[:shorter] == b[:shorter]:
        return _prefix(len(a), len(b), "paired by episode id")
    shared, first, second = np.intersect1d(a, b, return_indices=True)
    if len(shared) < max(2, LEAST_SHARE * shorter):
        some = f"only {len(shared)} of {shorter}" if len(shared) else "no"
        return _none(f"they have {some} episodes in common")
    return Match(first, second, f"paired by episode id: the {len(shared)} that they share")


def _prefix(a: int, b: int, how: str) -> Match:
    shorter = np.arange(min(a, b))
    if a != b:
        how += f"; the first {min(a, b)} of {max(a, b)} episodes, which both have"
    return Match(shorter, shorter, how)


def _none(why: str) -> Match:
    empty = np.arange(0)
    return Match(empty, empty, f"not paired: {why}; Welch's t on all episodes of each")

"""Episode ids: which episodes two runs share, told from their records alone.

A run's `episodes.csv` has an id for each episode; equal ids are equal episodes. It imports no
torch.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from bench.results import EPISODES_FILE

Relation = Literal["same", "prefix", "overlapping", "different"]


def read_ids(folder: Path) -> tuple[str, ...]:
    """Returns the ids of a run's test episodes, in order; empty if the run has none.

    Runs by earlier versions of bench, and unfinished ones, have none.
    """
    try:
        with (folder / EPISODES_FILE).open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if "id" not in (rows.fieldnames or ()):
                return ()
            return tuple(row["id"] or "" for row in rows)
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


def shared_prefix(a: Sequence[str], b: Sequence[str]) -> int:
    """Returns how many episodes two lists begin with alike."""
    for number, (one, other) in enumerate(zip(a, b, strict=False)):
        if one != other:
            return number
    return min(len(a), len(b))


def relation(a: Sequence[str], b: Sequence[str]) -> Relation:
    """Tells how two lists of episodes lie to each other.

    `same`: equal in every place. `prefix`: one begins with all of the other. `overlapping`: some
    episode is in both, but not so. `different`: none is; nor is there one in an empty list.
    """
    shared = shared_prefix(a, b)
    if not a or not b:
        return "different"
    if shared == len(a) == len(b):
        return "same"
    if shared == min(len(a), len(b)):
        return "prefix"
    return "overlapping" if set(a) & set(b) else "different"

"""Scores: what each test episode of a finished run came to, read from its file; no torch."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.files import sha256_of
from bench.results import EPISODES_FILE, PREDICTIONS_FILE, RunRecord, seal_of
from bench.tasks import metric_of

Floats = NDArray[np.float64]
ROUNDING = 1e-9
"""How far a mean may be from that of its episodes, by the order of summation."""


@dataclass(frozen=True)
class Scores:
    """The scores of e episodes, (e,), and their ids; runs of schemas 1 and 2 have no ids."""

    values: Floats
    ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)


def read_scores(folder: Path, record: RunRecord) -> Scores:
    """Reads what each episode of a run scored, in the metric of its task.

    Raises:
        BenchError: the file is missing or damaged.
    """
    path, column = folder / EPISODES_FILE, metric_of(record.data.task).name
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            names = next(lines, [])
            rows = list(lines)
        score = names.index(column)
        values = np.array([row[score] for row in rows], np.float64)
        ids = tuple(row[names.index("id")] for row in rows) if "id" in names else ()
    except FileNotFoundError:
        raise BenchError(f"{path} is not there; redo the run with --force") from None
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise BenchError(f"{path} cannot be read ({error}); redo the run with --force") from None
    if not len(values):
        raise BenchError(f"{path} has no episodes; redo the run with --force")
    return Scores(values, ids)


def alteration(folder: Path, record: RunRecord, scores: Scores | None) -> str:
    """Says what of a finished run's record and episodes is no longer as it was written, or ''.

    Earlier runs have no seal: of these only the episodes' hash and mean are compared.
    """
    outcome = record.outcome
    if seal_of(folder) == "broken":
        return "the seal of its record is broken"
    if outcome is None or not (folder / EPISODES_FILE).is_file():
        return ""
    if sha256_of(folder / EPISODES_FILE) != outcome.episodes_file_sha256:
        return f"{EPISODES_FILE} is not what the run wrote"
    kept = folder / PREDICTIONS_FILE
    known = outcome.predictions_file_sha256
    if known and kept.is_file() and sha256_of(kept) != known:
        return f"{PREDICTIONS_FILE} is not what the run wrote"
    if scores is not None and abs(float(scores.values.mean()) - outcome.mean) > ROUNDING * max(
        1.0, abs(outcome.mean)
    ):
        return "its mean is not that of its episodes"
    return ""

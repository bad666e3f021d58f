"""Run folders as a finished run leaves them: a sealed record, and a file of its episodes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.files import sha256_of
from bench.results import EPISODES_FILE, RunRecord
from bench.statistics import t_interval
from bench.tasks import metric_of

Records = Callable[..., RunRecord]


def write_run(
    folder: Path,
    record: RunRecord,
    scores: NDArray[np.float64],
    ids: Sequence[str] | None = None,
) -> RunRecord:
    """Writes a run whose episodes scored `scores` (e,); without `ids` as earlier versions did."""
    folder.mkdir(parents=True)
    name = metric_of(record.data.task).name
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["episode", *(["id"] if ids else []), name])
    for number, score in enumerate(scores.tolist()):
        writer.writerow([number, *([ids[number]] if ids else []), score])
    (folder / EPISODES_FILE).write_text(text.getvalue())
    assert record.outcome is not None
    interval = t_interval(scores)
    outcome = replace(
        record.outcome,
        mean=interval.mean,
        half_width=interval.half_width,
        n=len(scores),
        metric=name,
        episodes_file_sha256=sha256_of(folder / EPISODES_FILE),
    )
    return replace(record, outcome=outcome).write(folder)


def with_parts(record: RunRecord, **parts: dict[str, Any]) -> RunRecord:
    """Returns a record with fields of its parts changed: protocol={"episodes": 3}."""
    changed = {name: replace(getattr(record, name), **fields) for name, fields in parts.items()}
    return replace(record, **changed)


def ids_of(count: int, first: int = 0) -> list[str]:
    """Returns ids of `count` episodes, from number `first` of an imagined list."""
    return [f"{number:016x}" for number in range(first, first + count)]

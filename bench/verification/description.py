"""The description of a run: whether algorithm, data, protocol and training are what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench.finished import FinishedRun
from bench.measurements import CheckedFigure
from bench.recording import describe
from bench.recount import compared
from bench.results import LATER, RunRecord, seal_of


def checked_description(
    folder: Path, record: RunRecord, finished: FinishedRun
) -> Iterator[CheckedFigure]:
    """Yields whether algorithm, data, protocol and training are what the record says."""
    now = describe(finished.job)
    left = {"source_sha256", "sha256", "file_sha256", "steps", "steps_done", "best_step"}
    left |= {"best_validation_score", "seconds", "core_seconds", "curve"}
    if finished.changed:
        left |= {"family", "paper", "plugin", "transduction"}
    if seal_of(folder) == "none":  # these are not in it
        left |= {"kind", "sampler_version"}
    parts = ["algorithm", "data", "test_data", "protocol"]
    parts += [] if record.weights_from else ["training"]
    for part in parts:
        kept, found = getattr(record, part), getattr(now, part)
        if kept is None and found is None:
            continue
        silent = {name for name in LATER.get(part, ()) if kept and not getattr(kept, name)}
        one, other = (
            {} if p is None else {k: v for k, v in asdict(p).items() if k not in left | silent}
            for p in (kept, found)
        )
        if finished.changed and "parameters" in one and "parameters" in other:
            known = one["parameters"]  # new code may have new parameters
            other["parameters"] = {k: v for k, v in other["parameters"].items() if k in known}
        figures = list(compared(part, one, other))
        wrong = [figure for figure in figures if figure.verdict != "same"]
        yield from wrong
        if not wrong:
            yield CheckedFigure(part, f"{len(figures)} values", "the same", "same")

"""Verifying a run: from its files, then by its weights, as far as its folder allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.agreement import AGAIN
from bench.cache import Progress
from bench.evaluation import Report
from bench.finished import ChangedData, FinishedRun, reopen
from bench.machine import describe_machine
from bench.measurements import CheckedFigure
from bench.recount import LEFT_OUT, Recount, recount
from bench.registry import Registry
from bench.results import CHECKPOINT_FILE, RunRecord
from bench.verification.again import tested_again, validated_again
from bench.verification.description import checked_description
from bench.verification.found import Verification

REANSWERED = "what takes predictions was recounted from the answers given again"
UNCHECKED = (
    "not checked: times, memory, environment, the audit (bench audit does), and how the weights "
    "were trained (bench replay does)"
)


def verify(
    folder: Path,
    registry: Registry,
    *,
    opening: Progress = lambda done, total: None,
    report: Report = lambda done, total: None,
    data_root: str | None = None,
    device: str = "auto",
) -> Verification:
    """Checks a finished run in full, as far as its folder allows.

    Raises:
        BenchError: there is no finished run in the folder, or what it needs is not installed.
        RunFailed: the algorithm failed.
    """
    counted = recount(folder)
    if counted.broken or counted.record is None or counted.record.outcome is None:
        return Verification(
            counted.figures,
            (*counted.notes, "the weights were not tested again, as something is broken"),
        )
    if not (folder / CHECKPOINT_FILE).is_file():
        return _in_part(counted, "without its checkpoint it cannot be tested again")
    try:
        finished = reopen(folder, registry, opening, data_root=data_root, device=device)
    except ChangedData as error:
        changed = CheckedFigure("data", "", str(error), "differs")
        return Verification((*counted.figures, changed), counted.notes)
    figures = [*counted.figures, *checked_description(folder, counted.record, finished)]
    tested, use = tested_again(counted, counted.record.outcome, finished, report)
    figures += [*tested, *validated_again(counted.record, finished)]
    notes = [*_notes(counted.notes, figures), *_said(counted.record, finished), UNCHECKED]
    card = describe_machine(finished.job.device).card
    return Verification(tuple(figures), tuple(notes), use, card)


def without_evaluation(folder: Path) -> Verification:
    """Checks hashes, and figures against the predictions they follow from; raises BenchError."""
    return _in_part(recount(folder), "the weights were not tested again, as was asked for")


def _in_part(counted: Recount, why: str) -> Verification:
    """Returns what there is to say without the data."""
    return Verification(counted.figures, (*counted.notes, why))


def _notes(notes: Sequence[str], figures: Sequence[CheckedFigure]) -> Iterator[str]:
    """Yields the notes of recounting, and that there was more to count once answers were made."""
    again = any(figure.name == f"queries_per_episode{AGAIN}" for figure in figures)
    yield from (note for note in notes if not again or note != LEFT_OUT)
    if again:
        yield REANSWERED


def _said(record: RunRecord, finished: FinishedRun) -> Iterator[str]:
    """Yields what a reader should know of how it was tested again."""
    for name in finished.changed:
        yield f"the code of {name} has changed since this run"
    if record.name != finished.job.name:
        yield f"today this run would be called {finished.job.name}"

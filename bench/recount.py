"""Recounting: the hashes and figures of a run's record, computed again from the files beside it.

It takes neither plugins nor data, so it works on any copy of a run's folder. It finds what was
edited by hand, but not figures that were forged together with the predictions they follow from:
for those, see bench.verification.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np

from bench.agreement import same_number
from bench.errors import BenchError
from bench.files import sha256_of
from bench.measurements import CheckedFigure
from bench.predictions import Floats, Predictions
from bench.recording import episodes_csv, figures_of
from bench.results import (
    CHECKPOINT_FILE,
    EPISODES_FILE,
    PREDICTIONS_FILE,
    RUN_FILE,
    SCHEMA,
    Outcome,
    RunRecord,
    read_run,
    seal_of,
)
from bench.sealed import KEPT_AS
from bench.statistics import t_interval

SHOWN = 12
"""Digits of a hash that are shown."""

LEFT_OUT = "not checked: the half-width, whose formula takes predictions"
"""A note where there are none."""

FROM_EPISODES = ("mean", "half_width", "std", "n")
"""Figures that follow from the scores of episodes."""


@dataclass(frozen=True)
class Recount:
    """What was found: the record and the predictions, if they can be read, figures, and notes.

    `scores` (e,) are those of the episodes; `notes` say what could not be checked.
    """

    record: RunRecord | None
    predictions: Predictions | None
    figures: tuple[CheckedFigure, ...]
    notes: tuple[str, ...]
    scores: Floats | None = None

    @property
    def broken(self) -> bool:
        """Whether any figure differs."""
        return any(figure.verdict == "differs" for figure in self.figures)


def recount(folder: Path) -> Recount:
    """Checks the seal, the hashes of all files, and every figure that follows from predictions.

    Raises:
        BenchError: there is no run in the folder, or it is not complete.
    """
    if not (folder / RUN_FILE).is_file():
        raise BenchError(f"{folder} holds no run ({RUN_FILE} is not there); name a run's folder")
    try:
        record = read_run(folder)
    except BenchError as error:
        return Recount(None, None, (CheckedFigure(RUN_FILE, "", str(error), "differs"),), ())
    notes: list[str] = []
    figures = [*_seal(folder, record, notes)]
    if record.status != "complete" and not _any_differs(figures):
        raise BenchError(f"the run in {folder} is {record.status}; only finished ones are verified")
    if record.outcome is None:
        figures.append(CheckedFigure("outcome", "", "there is none", "differs"))
        return Recount(record, None, tuple(figures), tuple(notes))
    hashes = [*_hashes(folder, record.outcome, record.protocol.file_sha256, notes)]
    predictions = scores = None
    if _any_differs(hashes):
        notes.append("figures were not recounted, as files are not those of the record")
    else:
        predictions, scores, counted = _figures(folder, record, record.outcome, notes)
        hashes += counted
    return Recount(record, predictions, (*figures, *hashes), tuple(notes), scores)


def compared(name: str, recorded: object, found: object) -> Iterator[CheckedFigure]:
    """Yields a figure for each number or text in two values, which may be nested.

    What is None on both sides was not measured, and is left out.
    """
    if isinstance(recorded, Mapping) and isinstance(found, Mapping):
        for key in dict.fromkeys((*recorded, *found)):
            yield from compared(f"{name} {key}".strip(), recorded.get(key), found.get(key))
    elif isinstance(recorded, list | tuple) and isinstance(found, list | tuple):
        if len(recorded) != len(found):
            yield CheckedFigure(name, f"{len(recorded)} of them", f"{len(found)}", "differs")
            return
        for number, (one, other) in enumerate(zip(recorded, found, strict=True), 1):
            yield from compared(f"{name} {number}", one, other)
    elif recorded is not None or found is not None:
        yield CheckedFigure(
            name, _text(recorded), _text(found), "same" if _same(recorded, found) else "differs"
        )


def _same(recorded: object, found: object) -> bool:
    if isinstance(recorded, int | float | None) and isinstance(found, int | float | None):
        return same_number(recorded, found)
    return recorded == found


def _text(value: object) -> str:
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def _any_differs(figures: list[CheckedFigure]) -> bool:
    return any(figure.verdict == "differs" for figure in figures)


def _seal(folder: Path, record: RunRecord, notes: list[str]) -> Iterator[CheckedFigure]:
    """Yields whether the record is, to the byte, as it was written."""
    seal = seal_of(folder)
    schema = msgspec.json.decode((folder / RUN_FILE).read_bytes())["schema"]
    if seal == "none" and schema < SCHEMA:
        notes.append(f"no seal: records of schema {schema} had none")
        return
    verdict = "same" if seal == "whole" else "differs"
    found = {"whole": record.seal[:SHOWN], "none": "no seal"}.get(seal, "altered")
    yield CheckedFigure(RUN_FILE, record.seal[:SHOWN] or "a seal", found, verdict)  # type: ignore[arg-type]  # one of the two words


def _hashes(
    folder: Path, outcome: Outcome, sealed: str, notes: list[str]
) -> Iterator[CheckedFigure]:
    """Yields the comparison of every file's sha256; what is missing is noted.

    `sealed` is that of the file of episodes, empty if they were drawn by seed.
    """
    recorded = {
        CHECKPOINT_FILE: outcome.checkpoint_sha256,
        EPISODES_FILE: outcome.episodes_file_sha256,
        PREDICTIONS_FILE: outcome.predictions_file_sha256,
    } | ({KEPT_AS: sealed} if sealed else {})
    for name, kept in recorded.items():
        path = folder / name
        if not kept:
            notes.append(f"{name}: not kept by the version that ran this")
        elif not path.is_file():
            notes.append(f"{name} is not here, so it was not checked")
        else:
            found = sha256_of(path)
            verdict = "same" if found == kept else "differs"
            yield CheckedFigure(name, kept[:SHOWN], found[:SHOWN], verdict)  # type: ignore[arg-type]  # one of the two words


def _figures(
    folder: Path, record: RunRecord, outcome: Outcome, notes: list[str]
) -> tuple[Predictions | None, Floats | None, list[CheckedFigure]]:
    """Returns predictions, scores, and all that follows from them, or from the episodes' file."""
    if not outcome.predictions_file_sha256 or not (folder / PREDICTIONS_FILE).is_file():
        return None, *_from_episodes(folder, outcome, notes)
    try:
        predictions = Predictions.read(folder / PREDICTIONS_FILE)
        again = figures_of(predictions, outcome.quality.temperature if outcome.quality else None)
        table = episodes_csv(predictions, record.tested.fingerprint)
    except Exception as error:  # a forged file may hold anything
        what = f"cannot be evaluated: {' '.join(str(error).split())}"
        return None, None, [CheckedFigure(PREDICTIONS_FILE, "predictions", what, "differs")]
    figures = [*following(outcome, again)]
    if (folder / EPISODES_FILE).is_file():
        figures.append(_rows((folder / EPISODES_FILE).read_bytes(), table))
    return predictions, predictions.scores, figures


def following(outcome: Outcome, again: Outcome) -> Iterator[CheckedFigure]:
    """Yields every figure of an outcome beside that of one that was counted again."""
    for figure in compared("", *_kept(outcome, again)):
        if not _is_right_formula(figure):
            yield figure


def _kept(outcome: Outcome, again: Outcome) -> tuple[dict[str, object], dict[str, object]]:
    """Returns an outcome and the one counted again, without what was not kept or is not counted."""
    left = {"checkpoint_sha256", "episodes_file_sha256", "predictions_file_sha256"}
    left |= set() if outcome.quality else {"quality"}
    one, other = (
        {name: value for name, value in asdict(part).items() if name not in left}
        for part in (outcome, again)
    )
    for values in (one, other):
        spans = values.pop("intervals") if outcome.intervals else ()
        values |= {f"interval over {span.pop('over')}:": span for span in spans}
    return one, other


def _is_right_formula(figure: CheckedFigure) -> bool:
    """Tells whether a figure is but the sentence on how another one is computed, and right."""
    return figure.name.endswith("formula") and figure.verdict == "same"


def _rows(kept: bytes, found: bytes) -> CheckedFigure:
    """Compares the episodes' file with the one that follows from the predictions."""
    count = f"{len(found.splitlines()) - 1} rows"
    if kept == found:
        return CheckedFigure("rows of episodes.csv", count, "the same bytes", "same")
    one, other = (
        list(csv.reader(io.StringIO(part.decode("utf-8", "replace")))) for part in (kept, found)
    )
    rounded = len(one) == len(other) and all(map(_same_row, one, other))
    told = "rounded otherwise" if rounded else "others"
    verdict = "within tolerance" if rounded else "differs"
    return CheckedFigure("rows of episodes.csv", count, told, verdict)  # type: ignore[arg-type]  # one of the two words


def _same_row(one: list[str], other: list[str]) -> bool:
    """Tells whether two rows are the same but for rounding."""
    if len(one) != len(other):
        return False
    try:
        return all(
            a == b or same_number(float(a), float(b)) for a, b in zip(one, other, strict=True)
        )
    except ValueError:
        return False


def _from_episodes(
    folder: Path, outcome: Outcome, notes: list[str]
) -> tuple[Floats | None, list[CheckedFigure]]:
    """Returns the scores in the episodes' file, and what that alone can tell."""
    notes.append(f"no {PREDICTIONS_FILE}: figures were recounted from {EPISODES_FILE}")
    if not (folder / EPISODES_FILE).is_file():
        return None, []
    try:
        with (folder / EPISODES_FILE).open(encoding="utf-8", newline="") as file:
            scores = np.array([float(row[outcome.metric]) for row in csv.DictReader(file)])
        found = t_interval(scores)
    except (KeyError, ValueError, TypeError):
        unfit = CheckedFigure(EPISODES_FILE, f"a column {outcome.metric}", "none", "differs")
        return None, [unfit]
    names = list(FROM_EPISODES)
    if outcome.formula != found.formula:
        names.remove("half_width")
        notes.append(LEFT_OUT)
    pairs = ((name, getattr(outcome, name), getattr(found, name)) for name in names)
    return scores, [figure for pair in pairs for figure in compared(*pair)]

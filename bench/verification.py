"""Verification: a run's weights, tested again on its episodes, and its record checked against it.

What follows from the files alone is checked first (bench.recount). Then the algorithm is built as
the record says, gets the weights of the checkpoint, and answers the same queries; its answers are
compared with those that were kept, and what the record says of algorithm, data, protocol and
training with what they are. Times, memory, machine and the course of training cannot be checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.agreement import (
    AGAIN,
    Judgement,
    agreement,
    judged_answers,
    judged_loss,
    judged_mean,
    judged_scores,
    judged_temperature,
)
from bench.badge import clear_failure, write_failure
from bench.cache import Progress
from bench.calibration import fit_temperature
from bench.episodelist import EpisodeList
from bench.evaluation import CHUNK, Report, evaluate
from bench.finished import ChangedData, FinishedRun, reopen
from bench.firewall import open_test
from bench.machine import describe_machine
from bench.measurements import CheckedFigure, TestUse, VerificationRecord
from bench.predictions import Predictions
from bench.reanswer import reanswered
from bench.recording import describe
from bench.recount import LEFT_OUT, SHOWN, Recount, compared, recount
from bench.registry import Registry
from bench.results import CHECKPOINT_FILE, LATER, Outcome, RunRecord, seal_of
from bench.testing import bases_of

Verdict = Literal["verified", "within tolerance", "failed", "incomplete"]
Kept = Literal["in the record", "beside the record", "the fuller one", "nothing"]
REANSWERED = "what takes predictions was recounted from the answers given again"
UNCHECKED = (
    "not checked: times, memory, environment, the audit (bench audit does), and how the weights "
    "were trained (bench replay does)"
)


@dataclass(frozen=True)
class Verification:
    """What was found: the figures, what could not be checked, and the use of the test data."""

    figures: tuple[CheckedFigure, ...]
    notes: tuple[str, ...]
    use: TestUse | None = None
    card: str = ""

    @property
    def verdict(self) -> Verdict:
        """`incomplete` if nothing is broken but the weights were not tested again."""
        found = {figure.verdict for figure in self.figures}
        if "differs" in found:
            return "failed"
        if self.use is None:
            return "incomplete"
        return "within tolerance" if "within tolerance" in found else "verified"

    def record(self) -> VerificationRecord:
        """Returns it as it is kept; raises ValueError if it is incomplete."""
        verdict = self.verdict
        if verdict == "incomplete":
            raise ValueError("an incomplete verification is not kept")
        when = datetime.now(UTC).isoformat(timespec="seconds")
        return VerificationRecord(verdict, when, self.card, self.figures)


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
    figures = [*counted.figures, *_description(folder, counted.record, finished)]
    tested, use = _tested_again(counted, counted.record.outcome, finished, report)
    figures += [*tested, *_validation(counted.record, finished)]
    notes = [*_notes(counted.notes, figures), *_said(counted.record, finished), UNCHECKED]
    card = describe_machine(finished.job.device).card
    return Verification(tuple(figures), tuple(notes), use, card)


def without_evaluation(folder: Path) -> Verification:
    """Checks hashes, and figures against the predictions they follow from; raises BenchError."""
    return _in_part(recount(folder), "the weights were not tested again, as was asked for")


def _in_part(counted: Recount, why: str) -> Verification:
    """Returns what there is to say without the data."""
    return Verification(counted.figures, (*counted.notes, why))


def keep(folder: Path, verification: Verification) -> Kept:
    """Writes a verification into the run's record, or a failed one beside it; tells what is kept.

    `nothing` of an incomplete one, nor of any of a record without a seal, which would get one.
    `the fuller one` that the record has already stays, if this one found no more of fewer figures,
    as where predictions are missing; that test data was opened is written down all the same.
    """
    if verification.verdict == "incomplete":
        return "nothing"
    if verification.verdict == "failed":
        write_failure(folder, verification.record())
        return "beside the record"
    clear_failure(folder)
    if verification.use is None or seal_of(folder) != "whole":
        return "nothing"
    record = recount(folder).record
    if record is None:
        return "nothing"
    uses, had = (*record.test_uses, verification.use), record.verification
    if had is not None and _is_fuller(had, verification):
        replace(record, test_uses=uses).write(folder)
        return "the fuller one"
    replace(record, verification=verification.record(), test_uses=uses).write(folder)
    return "in the record"


def _is_fuller(had: VerificationRecord, verification: Verification) -> bool:
    """Tells whether an earlier verification found as much or more, of more figures."""
    better = had.verdict == "verified" or had.verdict == verification.verdict
    return better and len(had.figures) > len(verification.figures)


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


def _description(folder: Path, record: RunRecord, finished: FinishedRun) -> Iterator[CheckedFigure]:
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


def _bases(kept: Predictions, finished: FinishedRun) -> Iterator[CheckedFigure]:
    """Yields whether what intervals are over is as in the dataset: base classes, groups, folds."""
    job = finished.job
    groups = job.tested.data.table("test").input_groups
    if kept.bases is not None:
        yield _alike("base classes", kept.bases, bases_of(job), "classes")
    if kept.groups is not None or groups is not None:
        yield _alike("groups of inputs", kept.groups, groups, "inputs")
    if kept.folds or job.test_protocol.folds:
        pair = kept.folds, job.test_protocol.folds
        verdict: Judgement = "same" if pair[0] == pair[1] else "differs"
        yield CheckedFigure("folds", str(pair[0]), str(pair[1]), verdict)


def _alike(
    name: str, kept: NDArray[np.int64] | None, known: NDArray[np.int64] | None, of: str
) -> CheckedFigure:
    """Compares numbers that were kept with those of the data; None is that there are none."""
    same = kept is not None and known is not None and np.array_equal(kept, known)
    count = "none" if kept is None else f"of {len(kept)} {of}"
    verdict: Judgement = "same" if same else "differs"
    return CheckedFigure(name, count, "the same" if same else "others", verdict)


def _tested_again(
    counted: Recount, outcome: Outcome, finished: FinishedRun, report: Report
) -> tuple[list[CheckedFigure], TestUse]:
    """Evaluates the weights, and returns how what comes out compares with what was recorded."""
    job, record = finished.job, counted.record
    assert record is not None  # or there would be no outcome
    count = record.protocol.episodes
    with open_test("verify", count) as opened:
        stream = job.stream("test")
        use = replace(opened, sha256=stream.digest(count))
    same: Judgement = "same" if use.sha256 == record.protocol.sha256 else "differs"
    figures = [
        CheckedFigure("list of episodes", record.protocol.sha256[:SHOWN], use.sha256[:SHOWN], same)
    ]
    drawn = EpisodeList.of(stream.batches(count, CHUNK))
    kept = counted.predictions
    if kept is not None:
        fingerprint = stream.pool.fingerprint
        same = "same" if kept.episodes.ids(fingerprint) == drawn.ids(fingerprint) else "differs"
        figures.append(
            CheckedFigure(
                "ids of episodes", f"{len(kept)}", same.replace("differs", "others"), same
            )
        )
        if same == "differs":
            return figures, use
        figures += _bases(kept, finished)
    found = evaluate(finished.algorithm, stream, count, seed=job.config.episode_seed, report=report)
    if kept is not None:
        figures.append(judged_answers(agreement(kept, found)))
    if counted.scores is not None:
        figures.append(judged_scores(counted.scores, found))
    figures.append(judged_mean(f"mean{AGAIN}", outcome.mean, float(found.scores.mean()), found))
    figures.append(judged_loss(outcome.loss, float(found.loss.mean())))
    identical = ("scores", "same") in {(figure.name, figure.verdict) for figure in figures}
    if kept is None and identical and outcome.predictions_file_sha256:
        known = {figure.name for figure in counted.figures} | {"loss", "quality temperature"}
        figures += reanswered(outcome, finished, found, known)
    return figures, use


def _validation(record: RunRecord, finished: FinishedRun) -> Iterator[CheckedFigure]:
    """Yields whether validation episodes give the score and the temperature of the record."""
    job, quality = finished.job, record.outcome.quality if record.outcome else None
    score = None if record.weights_from else record.training.best_validation_score
    temperature = quality.temperature if quality else None
    if (score is None and temperature is None) or not job.validates:
        return
    stream, count = job.stream("val"), job.config.validation_episodes
    looked = evaluate(finished.algorithm, stream, count, seed=job.config.seed)
    if score is not None:
        yield judged_mean("best validation", score, float(looked.scores.mean()), looked)
    if temperature is not None:
        yield judged_temperature(temperature, fit_temperature(looked))

"""Testing a run's weights again: what comes out, beside what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

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
from bench.calibration import fit_temperature
from bench.episodelist import EpisodeList
from bench.evaluation import CHUNK, Report, evaluate
from bench.finished import FinishedRun
from bench.firewall import open_test
from bench.measurements import CheckedFigure, TestUse
from bench.reanswer import reanswered
from bench.recount import SHOWN, Recount
from bench.results import Outcome, RunRecord
from bench.verification.bases import checked_bases


def tested_again(
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
        figures += checked_bases(kept, finished)
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


def validated_again(record: RunRecord, finished: FinishedRun) -> Iterator[CheckedFigure]:
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

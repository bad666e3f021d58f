"""Recording: what a run did, in the form that results are kept in."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench.evaluation import EpisodeResults
from bench.files import sha256_of, source_digest
from bench.job import Job
from bench.provenance import describe_environment
from bench.results import (
    CHECKPOINT_FILE,
    EPISODES_FILE,
    SCHEMA,
    AlgorithmRecord,
    DataRecord,
    Outcome,
    ProtocolRecord,
    RunRecord,
    TrainingRecord,
)
from bench.statistics import t_interval


def describe(job: Job) -> RunRecord:
    """Returns the record of a run that is about to begin."""
    config, plan = job.config, job.plan
    algorithm = job.build()
    return RunRecord(
        schema=SCHEMA,
        name=job.name,
        status="running",
        error="",
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=(Path(sys.argv[0]).name, *sys.argv[1:]),
        config={k: dict(v) if k == "set" else v for k, v in asdict(config).items()},
        algorithm=AlgorithmRecord(
            name=algorithm.name,
            family=algorithm.family,
            paper=algorithm.paper,
            plugin=job.algorithm.__module__,
            source_sha256=source_digest(job.algorithm),
            parameters=job.parameters,
            backbone=job.backbone,
            parameter_count=sum(p.numel() for p in algorithm.parameters() if p.requires_grad),
            transduction=algorithm.transduction,
        ),
        data=DataRecord(
            name=config.data,
            plugin=job.dataset.__module__,
            source_sha256=source_digest(job.dataset),
            parameters=job.data_parameters,
            fingerprint=job.data.fingerprint,
            task=job.dataset.task,
        ),
        protocol=ProtocolRecord(
            job.test_protocol.id,
            job.test_protocol.ways,
            job.test_protocol.shots,
            job.test_protocol.queries,
            config.episodes,
            config.episode_seed,
            sha256="",
        ),
        training=TrainingRecord(
            config.seed,
            plan.steps,
            plan.meta_batch,
            job.train_protocol.ways,
            job.train_protocol.shots,
            job.train_protocol.queries,
            plan.schedule,
            job.validate_every,
            config.validation_episodes,
        ),
        environment=describe_environment(job.device),
        seconds={},
        peak_memory_bytes={},
    )


def episodes_csv(results: EpisodeResults) -> bytes:
    """Returns the per-episode records as CSV.

    Columns: episode, accuracy, correct, queries, loss; in regression episode, mse, queries.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    name, scores = results.metric.name, results.scores.tolist()
    if results.correct is None:
        writer.writerow(("episode", name, "queries"))
        writer.writerows((number, score, results.queries) for number, score in enumerate(scores))
    else:
        writer.writerow(("episode", name, "correct", "queries", "loss"))
        columns = zip(scores, results.correct.tolist(), results.loss.tolist(), strict=True)
        for number, (accuracy, correct, loss) in enumerate(columns):
            writer.writerow((number, accuracy, correct, results.queries, loss))
    return text.getvalue().encode()


def summarise(folder: Path, results: EpisodeResults) -> Outcome:
    """Returns the outcome of a finished run, whose files are in `folder`."""
    interval = t_interval(results.scores)
    return Outcome(
        mean=interval.mean,
        half_width=interval.half_width,
        std=interval.std,
        n=interval.n,
        queries_per_episode=results.queries,
        formula=interval.formula,
        loss=float(results.loss.mean()),
        checkpoint_sha256=sha256_of(folder / CHECKPOINT_FILE),
        episodes_file_sha256=sha256_of(folder / EPISODES_FILE),
        metric=results.metric.name,
    )

"""Recording: what a run did, in the form that results are kept in."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.config import RunConfig
from bench.dataname import DataName
from bench.files import sha256_of, source_digest
from bench.job import Job
from bench.metrics import quality
from bench.parameters import Value
from bench.predictions import Predictions
from bench.provenance import describe_environment
from bench.results import (
    CHECKPOINT_FILE,
    EPISODES_FILE,
    PREDICTIONS_FILE,
    SCHEMA,
    AlgorithmRecord,
    DataRecord,
    Outcome,
    ProtocolRecord,
    RunRecord,
    SpecRecord,
    TrainingRecord,
)
from bench.sampling import SAMPLER_VERSION
from bench.sources import Source, example_of
from bench.statistics import t_interval
from bench.statistics.intervals import intervals


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
        command=(_program(), *sys.argv[1:]),
        config=_portable(config),
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
        data=_data(config.data, Source(job.dataset, job.data_parameters, job.data)),
        spec=_spec(job),
        recipe=job.recipe,
        weights_from=job.weights_from,
        test_data=_data(config.test_data, job.tested) if config.test_data else None,
        protocol=_protocol(job),
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
            on=config.train_on,
        ),
        environment=describe_environment(job.device),
        seconds={},
        peak_memory_bytes={},
    )


def _program() -> str:
    """Returns what this program is called, which `python -m bench` hides."""
    name = Path(sys.argv[0]).name
    return "bench" if name == "__main__.py" else name


def _portable(config: RunConfig) -> dict[str, Value | dict[str, Value] | None]:
    """Returns what was asked for, without where this machine has its data."""
    values = asdict(replace(config, data_root=None))
    return {key: dict(value) if key == "set" else value for key, value in values.items()}


def _data(name: str, source: Source) -> DataRecord:
    return DataRecord(
        name=DataName.parse(name).label,
        plugin=source.dataset.__module__,
        source_sha256=source_digest(source.dataset),
        parameters=source.parameters,
        fingerprint=source.data.fingerprint,
        task=source.dataset.task,
        form=source.data.source.form() if source.data.source else None,
        reshaped=source.reshaped,
        remarks=source.data.record.remarks,
    )


def _spec(job: Job) -> SpecRecord:
    spec, dtype = job.spec, example_of(job.data).dtype
    return SpecRecord(
        spec.input_shape, dtype, spec.ways, spec.shots, spec.targets, spec.base_classes
    )


def _protocol(job: Job) -> ProtocolRecord:
    """Returns the record of the test episodes; ways, shots and queries are 0 where they vary."""
    protocol = job.test_protocol
    queries = 0 if protocol.kind == "folds" else protocol.queries
    return ProtocolRecord(
        protocol.id,
        *((0, 0, 0) if protocol.varies else (protocol.ways, protocol.shots, queries)),
        job.episodes,
        job.config.episode_seed,
        sha256="",
        kind=protocol.kind,
        sampler_version=job.sealed.stream.sampler_version if job.sealed else SAMPLER_VERSION,
        file_sha256=job.sealed.sha256 if job.sealed else "",
    )


def episodes_csv(predictions: Predictions, fingerprint: str) -> bytes:
    """Returns the per-episode records as CSV.

    Columns: episode, id, accuracy, correct, queries, loss; in regression episode, id, mse,
    queries. The id names the episode's images and labels: equal ids, equal episodes.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ids, queries = predictions.episodes.ids(fingerprint), predictions.episodes.queries.tolist()
    columns = {predictions.metric.name: predictions.scores.tolist()}
    if predictions.correct is not None:
        columns["correct"] = predictions.correct.tolist()
    columns["queries"] = queries
    if predictions.correct is not None:
        columns["loss"] = predictions.loss.tolist()
    writer.writerow(("episode", "id", *columns))
    writer.writerows(zip(range(len(ids)), ids, *columns.values(), strict=True))
    return text.getvalue().encode()


def summarise(folder: Path, predictions: Predictions, temperature: float | None = None) -> Outcome:
    """Returns the outcome of a finished run, whose files are in `folder`.

    `temperature` is that of bench.calibration; None if there is none.
    """
    return replace(
        figures_of(predictions, temperature),
        checkpoint_sha256=sha256_of(folder / CHECKPOINT_FILE),
        episodes_file_sha256=sha256_of(folder / EPISODES_FILE),
        predictions_file_sha256=sha256_of(folder / PREDICTIONS_FILE),
    )


def figures_of(predictions: Predictions, temperature: float | None = None) -> Outcome:
    """Returns all of an outcome that follows from predictions; the hashes of files are empty."""
    interval, found = t_interval(predictions.scores), intervals(predictions)
    return Outcome(
        mean=interval.mean,
        half_width=found[0].half_width if found else interval.half_width,
        std=interval.std,
        n=interval.n,
        queries_per_episode=float(predictions.episodes.queries.mean()),
        formula=found[0].formula if found else interval.formula,
        loss=float(predictions.loss.mean()),
        checkpoint_sha256="",
        episodes_file_sha256="",
        metric=predictions.metric.name,
        intervals=found,
        quality=quality(predictions, temperature),
    )

"""Examination: what is measured of an algorithm after its test: audit, cost, and the machine.

Whatever goes wrong here is told in the record; a run does not fail of it.
"""

from __future__ import annotations

from dataclasses import replace

from bench.algorithm import Algorithm
from bench.audit.auditing import ALONE, SAMPLE, audit
from bench.audit.overlap import Overlap, overlap
from bench.cost import measure_cost
from bench.errors import RunFailed
from bench.firewall import open_test
from bench.job import Job
from bench.machine import describe_machine
from bench.measurements import AuditRecord, CostRecord
from bench.pool import EpisodeStream
from bench.predictions import Predictions
from bench.results import RunRecord
from bench.watcher import Clock, Watcher


def examine(
    job: Job,
    algorithm: Algorithm,
    stream: EpisodeStream,
    kept: Predictions,
    record: RunRecord,
    clock: Clock,
    watcher: Watcher,
) -> RunRecord:
    """Returns a record with what a small audit, the clock and the machine tell.

    `stream` is that of the test, whose first episodes are asked again; the record counts that.
    `kept` are the answers that it gave there.

    Raises:
        Interrupted: the watcher said stop.
    """
    count = min(SAMPLE, job.episodes)
    with clock.phase("audit"), open_test("audit", count) as use:
        found = overlap(job.data, stream, job.episodes)
        audited = _audit(job, algorithm, stream, kept.first(count), found, watcher)
    use = replace(use, sha256=stream.digest(count))
    with clock.phase("cost"):
        cost = _cost(job, algorithm, stream, record)
        machine = describe_machine(job.device, clock.load_before)
    uses = (*record.test_uses, use)
    return replace(record, audit=audited, cost=cost, machine=machine, test_uses=uses)


def _audit(
    job: Job,
    algorithm: Algorithm,
    stream: EpisodeStream,
    kept: Predictions,
    found: Overlap,
    watcher: Watcher,
) -> AuditRecord:
    """Audits on the kept episodes; an algorithm that fails when asked otherwise is in error."""
    seed, count = job.config.episode_seed, len(kept)
    try:
        return audit(
            algorithm,
            stream,
            count,
            seed=seed,
            alone=ALONE,
            overlap=found,
            kept=kept,
            stop=watcher.stop,
        )
    except RunFailed as error:
        return AuditRecord("error", count, (), (f"asked in other ways it fails: {error}",))


def _cost(
    job: Job, algorithm: Algorithm, stream: EpisodeStream, record: RunRecord
) -> CostRecord | None:
    """Times tasks like those of the test; of validation where there are some."""
    trained = record.training
    speed = None
    if trained.steps_done and trained.seconds:
        speed = trained.steps_done * trained.meta_batch / trained.seconds
    try:
        return measure_cost(
            algorithm,
            job.stream("val") if "val" in job.data.record.splits else stream,
            seed=job.config.seed,
            train=job.stream("train") if trained.steps_done else None,
            training_tasks_per_second=speed,
        )
    except RunFailed:
        return None

"""The runner: from a job to a result folder, through training and evaluation."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import filelock
import torch

from bench.algorithm import Algorithm
from bench.allocator import keep_large_blocks
from bench.cache import cache_root
from bench.checkpoint import load_into, load_weights, save_weights
from bench.errors import BenchError, Busy, Interrupted, RunFailed
from bench.files import source_digest, write_atomically
from bench.job import Job
from bench.recording import describe
from bench.results import (
    CHECKPOINT_FILE,
    RUN_FILE,
    STATE_FILE,
    RunRecord,
    Status,
    TrainingRecord,
    read_run,
)
from bench.sealed import KEPT_AS
from bench.seeds import seed_torch
from bench.testing import test
from bench.testonly import can_train
from bench.training import MetaTrainer, Schedule, settle
from bench.watcher import Clock, Watcher


@dataclass(frozen=True)
class Mode:
    """What to do about a folder that is already there."""

    resume: bool = False
    force: bool = False


def set_up_process(threads: int | None) -> None:
    """Prepares this process for computing; called once, by whoever owns the process.

    `threads` is the number of torch's threads; None leaves it as it is.
    """
    keep_large_blocks()
    if threads is not None:
        torch.set_num_threads(threads)


Produce = Callable[[Job, RunRecord, Clock, Watcher], RunRecord]
"""From a job and the beginning of its record to the whole one, with the files that belong to it."""


def execute(job: Job, mode: Mode, watcher: Watcher, produce: Produce | None = None) -> RunRecord:
    """Trains and tests, or has `produce` do something else, and writes the result folder.

    Raises:
        BenchError: the folder holds a result already, or the plugin's code has changed since the
            run that is to be resumed.
        Busy: another process is working on the folder.
        RunFailed: the run could not end; its record says so.
        Interrupted: it was stopped; it can be resumed.
    """
    earlier = read_run(job.folder) if (job.folder / RUN_FILE).exists() else None
    if earlier and mode.resume and earlier.status == "complete":
        return earlier
    changed = earlier and earlier.algorithm.source_sha256 != source_digest(job.algorithm)
    if earlier and changed and earlier.status == "complete" and not mode.force:
        raise BenchError(
            f"{job.folder} holds this run, made by other code of {job.config.algo}; to redo it "
            "with today's, add --force"
        )
    claim_folder(job.folder, mode)
    with _locked(job.folder):
        record = replace(describe(job), test_uses=earlier.test_uses if earlier else ())
        if earlier and mode.resume:
            _check_same_code(earlier, record)
            record = _with_threads_of(earlier, record, job)
        clock = Clock()
        record.write(job.folder)
        try:
            if job.sealed:
                write_atomically(job.folder / KEPT_AS, job.sealed.content)
            with watcher.profile.running():
                done = (produce or _train_and_test)(job, record, clock, watcher)
        except BaseException as error:
            stopped = isinstance(error, Interrupted | KeyboardInterrupt)
            text = " ".join(str(error).split()) or type(error).__name__
            status: Status = "interrupted" if stopped else "failed"
            with suppress(OSError, BenchError):  # a full disk must not hide what went wrong
                known = replace(record, test_uses=read_run(job.folder).test_uses)
                replace(known, status=status, error=text, seconds=clock.seconds).write(job.folder)
            if isinstance(error, OSError):
                raise RunFailed(
                    f"cannot write to {job.folder} ({error.strerror or error}); make room, then "
                    "go on with --resume"
                ) from error
            if isinstance(error, BenchError) and not isinstance(error, RunFailed | Interrupted):
                raise RunFailed(str(error)) from error  # it was found when the run was under way
            raise
        done = done.write(job.folder)
        (job.folder / STATE_FILE).unlink(missing_ok=True)
        return done


def is_complete(folder: Path) -> bool:
    """Tells whether a folder holds a run that came to its end."""
    return (folder / RUN_FILE).exists() and read_run(folder).status == "complete"


def _check_same_code(earlier: RunRecord, now: RunRecord) -> None:
    """Raises BenchError if a run would go on with another program than it began with."""
    if earlier.algorithm.source_sha256 != now.algorithm.source_sha256:
        raise BenchError(
            f"the code of {now.algorithm.name} has changed since this run began; "
            "undo that, or start over with --force"
        )


def _with_threads_of(earlier: RunRecord, now: RunRecord, job: Job) -> RunRecord:
    """Goes on with the threads that a run began with, unless the user chose others."""
    threads = earlier.environment.threads
    if job.config.threads or threads > now.environment.cores:
        return now
    torch.set_num_threads(threads)
    return replace(now, environment=replace(now.environment, threads=threads))


def check_writable(folder: Path) -> None:
    """Raises BenchError if `folder` could not be made, without making it."""
    parent = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise BenchError(f"cannot write to {parent}; name a folder that can be written with --out")


def claim_folder(folder: Path, mode: Mode) -> None:
    """Makes the run's folder, or clears it if that was asked for.

    Raises:
        BenchError: a run of the same configuration is there already.
        Busy: another process is working on it.
    """
    if (folder / RUN_FILE).exists() and not mode.force:
        status = read_run(folder).status
        if status == "complete":
            raise BenchError(f"{folder} holds this very run already; to redo it, add --force")
        if not mode.resume:
            with _locked(folder):
                pass
            raise BenchError(
                f"{folder} holds this run, {status}; to go on add --resume, to start over --force"
            )
    if mode.force and folder.exists():
        with _locked(folder):
            shutil.rmtree(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / ".probe", b"")
        (folder / ".probe").unlink()
    except OSError as error:
        raise BenchError(
            f"cannot write to --out {folder.parent} ({error.strerror or error}); "
            "name a folder that can be written"
        ) from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    locks = cache_root() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    try:
        with filelock.FileLock(locks / name, blocking=False):
            yield
    except filelock.Timeout:
        raise Busy(f"another process is working on {folder}; wait for it") from None


def _train_and_test(job: Job, record: RunRecord, clock: Clock, watcher: Watcher) -> RunRecord:
    seed_torch(job.config.seed, "weights")
    algorithm = job.build()
    with clock.phase("training"):
        training = _train(job, algorithm, record.training, watcher)
    clock.seconds["training"] = training.seconds  # those before an interruption included
    return test(job, algorithm, replace(record, training=training), clock, watcher)


def _train(
    job: Job, algorithm: Algorithm, record: TrainingRecord, watcher: Watcher
) -> TrainingRecord:
    """Trains, or takes up finished weights, and leaves a checkpoint; the test pool stays closed."""
    checkpoint, state = job.folder / CHECKPOINT_FILE, job.folder / STATE_FILE
    if not any(p.requires_grad for p in algorithm.parameters()) or not job.plan.steps:
        if type(algorithm).settle is not Algorithm.settle and can_train(job.data):
            settle(algorithm, job.stream("train"))
        save_weights(checkpoint, algorithm.name, algorithm.state_dict())
        return replace(record, steps=0)
    trainer = MetaTrainer(
        algorithm,
        job.plan,
        job.stream("train"),
        job.stream("val") if job.validates else None,
        Schedule(job.validate_every, job.config.validation_episodes, job.config.checkpoint_every),
        job.config.seed,
        state,
        watcher.profile,
    )
    if state.exists():
        trainer.resume()
    course = trainer.run(watcher.training, watcher.stop)
    save_weights(checkpoint, algorithm.name, algorithm.state_dict())
    load_into(algorithm, load_weights(checkpoint, algorithm.name), checkpoint)
    return replace(
        record,
        steps_done=course.step,
        best_step=course.best_step or course.step,
        best_validation_score=course.best_score,
        seconds=round(course.seconds, 3),
        core_seconds=round(course.core_seconds, 3),
        curve=course.curve,
    )

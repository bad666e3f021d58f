"""Finished runs, taken up again: from a result folder to the trained algorithm and its data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench.algorithm import Algorithm
from bench.cache import Progress
from bench.checkpoint import load_into, load_weights
from bench.config import RunConfig
from bench.errors import BenchError
from bench.files import sha256_of, source_digest
from bench.job import Job, prepare
from bench.locking import alone
from bench.measurements import TestUse
from bench.registry import Registry
from bench.results import (
    CHECKPOINT_FILE,
    RUN_FILE,
    AlgorithmRecord,
    DataRecord,
    RunRecord,
    read_run,
    seal_of,
)
from bench.sealed import KEPT_AS


@dataclass(frozen=True)
class FinishedRun:
    """A run that was reopened: its job, its weights in the algorithm, and what differs by now.

    `changed` names the plugins whose code is no longer that of the run.
    """

    job: Job
    algorithm: Algorithm
    changed: tuple[str, ...]


class ChangedData(BenchError):
    """The data of a run is not what it was."""


def read_finished(folder: Path) -> RunRecord:
    """Reads the record of a run; raises BenchError if there is none, or it is not complete."""
    if not (folder / RUN_FILE).is_file():
        raise BenchError(f"{folder} holds no run ({RUN_FILE} is not there); name a run's folder")
    record = read_run(folder)
    if record.status != "complete":
        raise BenchError(
            f"the run in {folder} is {record.status}; finish it first: bench run ... --resume"
        )
    return record


def check_known(record: RunRecord, registry: Registry) -> None:
    """Raises BenchError if the run's algorithm came from a file or module that is not loaded."""
    name, words = record.algorithm.name, record.command
    given = [words[i + 1] for i, word in enumerate(words[:-1]) if word in ("-p", "--plugin")]
    if given and name not in registry.algorithms.entries:
        raise BenchError(
            f"{name} is not installed; the run got it from {', '.join(given)}: add "
            f"{' '.join(f'-p {plugin}' for plugin in given)}"
        )


def check_whole(folder: Path) -> None:
    """Raises BenchError if a run's record is not as bench wrote it."""
    if seal_of(folder) == "broken":
        raise BenchError(
            f"the record in {folder} is not as bench wrote it (its seal is broken); see bench "
            f"verify {folder}"
        )


def checkpoint_of(folder: Path, record: RunRecord) -> Path:
    """Returns a run's checkpoint; raises BenchError if it is missing or not what the run wrote."""
    checkpoint = folder / CHECKPOINT_FILE
    if not checkpoint.is_file():
        raise BenchError(f"{checkpoint} is not there; redo the run with --force")
    if record.outcome and sha256_of(checkpoint) != record.outcome.checkpoint_sha256:
        raise BenchError(f"{checkpoint} is not what the run wrote; redo the run with --force")
    return checkpoint


def config_of(record: RunRecord, folder: Path) -> RunConfig:
    """Returns what a run was asked for; raises BenchError if another version understood it."""
    try:
        return msgspec.convert(record.config, RunConfig)
    except msgspec.ValidationError as error:
        raise BenchError(f"{folder / RUN_FILE} was written by another version: {error}") from None


def reopen(
    folder: Path,
    registry: Registry,
    progress: Progress,
    *,
    data_root: str | None = None,
    device: str = "auto",
) -> FinishedRun:
    """Looks up what a finished run used, opens its data, and loads its weights.

    `data_root` and `device` are those of this machine; None leaves the data where the run had it.

    Raises:
        BenchError: the run is not complete, or plugin, data or checkpoint are missing, or the
            data (then it is ChangedData) or the checkpoint are others than the run's.
    """
    record = read_finished(folder)
    config = config_of(record, folder)
    here = replace(config, device=device, data_root=data_root or config.data_root)
    if config.episodes_file and (folder / KEPT_AS).is_file():
        here = replace(here, episodes_file=str(folder / KEPT_AS))
    check_known(record, registry)
    job = replace(prepare(here, registry, progress), weights_from=record.weights_from)
    if job.sealed and job.sealed.sha256 != record.protocol.file_sha256:
        raise BenchError(
            f"{here.episodes_file} is not the file of episodes that the run in {folder} was tested "
            f"on (its sha256 was {record.protocol.file_sha256[:12]}); put that in its place"
        )
    for kept, data in ((record.data, job.data), (record.tested, job.tested.data)):
        if data.fingerprint != kept.fingerprint:
            raise ChangedData(
                f"{kept.name} is no longer the data of {folder} (its fingerprint was "
                f"{kept.fingerprint[:12]}, now {data.fingerprint[:12]}); redo the run"
            )
    checkpoint = checkpoint_of(folder, record)
    algorithm = job.build()
    load_into(algorithm, load_weights(checkpoint, algorithm.name), checkpoint)
    plugins: list[tuple[AlgorithmRecord | DataRecord, type]] = [
        (record.algorithm, job.algorithm),
        (record.data, job.dataset),
    ]
    if record.test_data:
        plugins.append((record.test_data, job.tested.dataset))
    changed = (kept.name for kept, now in plugins if kept.source_sha256 != source_digest(now))
    return FinishedRun(job, algorithm, tuple(changed))


def count_use(folder: Path, use: TestUse) -> None:
    """Adds a use of the test data to a run's record, if that is as it was written.

    Records of earlier versions, and those that were altered, stay as they are.
    """
    if seal_of(folder) != "whole":
        return
    with alone(folder / RUN_FILE):
        record = read_run(folder)
        replace(record, test_uses=(*record.test_uses, use)).write(folder)

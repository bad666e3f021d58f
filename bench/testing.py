"""Testing: trained weights on the test episodes, and all that is measured of them there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.algorithm import Algorithm
from bench.calibration import fit_temperature
from bench.checkpoint import load_into, load_weights
from bench.evaluation import evaluate
from bench.examination import examine
from bench.files import write_atomically
from bench.firewall import open_test
from bench.job import Job
from bench.predictions import Predictions
from bench.provenance import peak_memory
from bench.recording import episodes_csv, summarise
from bench.results import CHECKPOINT_FILE, EPISODES_FILE, PREDICTIONS_FILE, RunRecord
from bench.tasks import REGRESSION
from bench.watcher import Clock, Watcher


def test(
    job: Job, algorithm: Algorithm, record: RunRecord, clock: Clock, watcher: Watcher
) -> RunRecord:
    """Tests an algorithm that is trained, writes what it answered, and returns the whole record.

    Raises:
        RunFailed: the algorithm failed.
        Interrupted: the watcher said stop.
    """
    folder, count = job.folder, job.episodes
    with clock.phase("loading test data"), open_test("test", count) as use:
        stream = job.stream("test")
        sealed = replace(record.protocol, sha256=stream.digest(count))
    record = replace(record, test_uses=(*record.test_uses, replace(use, sha256=sealed.sha256)))
    record.write(folder)  # it counts, however the evaluation ends
    with clock.phase("evaluation"), watcher.profile.phase("evaluation"):
        predictions = evaluate(
            algorithm,
            stream,
            count,
            seed=job.config.episode_seed,
            report=watcher.evaluation,
            stop=watcher.stop,
        )
    memory = peak_memory(job.device)
    predictions = replace(
        predictions,
        bases=bases_of(job),
        folds=job.test_protocol.folds,
        groups=stream.pool.input_groups,
    )
    predictions.write(folder / PREDICTIONS_FILE)
    predictions = Predictions.read(folder / PREDICTIONS_FILE)  # figures are of what is kept
    write_atomically(folder / EPISODES_FILE, episodes_csv(predictions, stream.pool.fingerprint))
    with clock.phase("calibration"):
        temperature = _temperature(job, algorithm, watcher)
    fresh = job.build()  # what the evaluation may have left on the other is not to be seen
    load_into(fresh, load_weights(folder / CHECKPOINT_FILE, fresh.name), folder / CHECKPOINT_FILE)
    found = examine(job, fresh, stream, predictions, record, clock, watcher)
    return replace(
        found,
        status="complete",
        protocol=sealed,
        seconds=clock.seconds,
        peak_memory_bytes=memory,
        outcome=summarise(folder, predictions, temperature),
    )


def bases_of(job: Job) -> NDArray[np.int64]:
    """Returns the number of the base class of each class that is tested, (classes,)."""
    source = job.tested.dataset(**job.tested.parameters)
    names = [source.base_class(name) for name in job.tested.data.record.splits["test"].classes]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _temperature(job: Job, algorithm: Algorithm, watcher: Watcher) -> float | None:
    """Returns the temperature fitted on validation episodes; None where there is none to fit."""
    if job.dataset.task == REGRESSION or not job.validates:
        return None
    stream, count = job.stream("val"), job.config.validation_episodes
    seed = job.config.seed
    return fit_temperature(evaluate(algorithm, stream, count, seed=seed, stop=watcher.stop))

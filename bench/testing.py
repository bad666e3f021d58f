"""Testing: trained weights on the test episodes, and all that is measured of them there."""

from __future__ import annotations

from dataclasses import replace

from bench.algorithm import Algorithm
from bench.evaluation import evaluate
from bench.files import write_atomically
from bench.firewall import open_test
from bench.job import Job
from bench.predictions import Predictions
from bench.provenance import peak_memory
from bench.recording import episodes_csv, summarise
from bench.results import EPISODES_FILE, PREDICTIONS_FILE, RunRecord
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
    predictions.write(folder / PREDICTIONS_FILE)
    predictions = Predictions.read(folder / PREDICTIONS_FILE)  # figures are of what is kept
    write_atomically(folder / EPISODES_FILE, episodes_csv(predictions, stream.pool.fingerprint))
    return replace(
        record,
        status="complete",
        protocol=sealed,
        seconds=clock.seconds,
        peak_memory_bytes=peak_memory(job.device),
        outcome=summarise(folder, predictions),
    )

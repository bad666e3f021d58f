"""Kept intervals: those of finished runs, from what their folders hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.comparison.configurations import configuration
from bench.errors import BenchError
from bench.files import sha256_of
from bench.measurements import IntervalRecord
from bench.predictions import Predictions
from bench.results import PREDICTIONS_FILE, RUN_FILE, RunRecord, read_run
from bench.scores import Scores, alteration, read_scores
from bench.statistics.classes import CLASSES
from bench.statistics.closed import over_episodes
from bench.statistics.disjoint import IMAGES
from bench.statistics.intervals import intervals
from bench.statistics.trainingseeds import over_seeds, over_seeds_and_episodes
from bench.tasks import Metric, metric_of

ABSENT = {
    IMAGES: "nothing over examples: fewer than two of its episodes share no example",
    CLASSES: "nothing over classes: all of its episodes have the same classes",
}
"""Why an interval cannot be had from the predictions, by what it is over."""


@dataclass(frozen=True)
class RunIntervals:
    """The intervals of a finished run; `notes` say which are missing and why, and other doubts."""

    folder: Path
    record: RunRecord
    scores: Scores
    intervals: tuple[IntervalRecord, ...]
    notes: tuple[str, ...]

    @property
    def mean(self) -> float:
        """The mean score of its episodes."""
        return float(self.scores.values.mean())

    @property
    def metric(self) -> Metric:
        """What it is judged by."""
        return metric_of(self.record.data.task)


@dataclass(frozen=True)
class SeedIntervals:
    """The intervals of several trainings of one configuration; `std` is that of their means."""

    seeds: tuple[int, ...]
    mean: float
    std: float
    intervals: tuple[IntervalRecord, ...]


def intervals_of(folder: Path) -> RunIntervals:
    """Reads a finished run, and takes its intervals from its record or else computes them.

    The record's come first: they are what the run claims. Earlier runs, without predictions, get
    the interval over episodes only.

    Raises:
        BenchError: the folder holds no complete run, or its predictions are not what it wrote.
    """
    if not (folder / RUN_FILE).is_file():
        raise BenchError(f"{folder} holds no run ({RUN_FILE} is not there); name a run's folder")
    record = read_run(folder)
    outcome = record.outcome
    if record.status != "complete" or outcome is None:
        raise BenchError(
            f"the run in {folder} is {record.status}; finish it first: bench run ... --resume"
        )
    scores = read_scores(folder, record)
    altered = alteration(folder, record, scores)
    if altered:
        raise BenchError(f"the run in {folder} was altered: {altered}; see bench verify {folder}")
    notes: tuple[str, ...] = ()
    if outcome.intervals:
        return RunIntervals(folder, record, scores, outcome.intervals, notes)
    path = folder / PREDICTIONS_FILE
    found: tuple[IntervalRecord, ...] = ()
    if not path.is_file():
        if len(scores) > 1:
            found = (over_episodes(scores.values, metric_of(record.data.task)),)
        why = (
            f"nothing over examples and classes: runs by earlier versions kept no "
            f"{PREDICTIONS_FILE}; redo the run with --force",
        )
        return RunIntervals(folder, record, scores, found, notes + (_none(scores) or why))
    kept = outcome.predictions_file_sha256
    if kept and sha256_of(path) != kept:
        raise BenchError(f"{path} is not what the run wrote; redo the run with --force")
    found = intervals(Predictions.read(path))
    known = {record.over for record in found}
    absent = (why for over, why in ABSENT.items() if over not in known)
    return RunIntervals(folder, record, scores, found, notes + (_none(scores) or tuple(absent)))


def _none(scores: Scores) -> tuple[str, ...]:
    """Returns why nothing can be said, whatever was kept; empty if something can."""
    if len(scores) < 2:
        return ("no interval: one episode alone says nothing of others",)
    if np.ptp(scores.values) == 0:
        return ("nothing over examples and classes: all episodes score the same",)
    return ()


def seed_intervals(runs: Sequence[RunIntervals]) -> SeedIntervals:
    """Returns the intervals over training seeds of runs that differ in nothing else.

    That over seeds and episodes follows if all were tested on the same episodes.

    Raises:
        BenchError: two runs differ in more than the seed, or have the same one.
    """
    first = runs[0]
    for run in runs[1:]:
        if configuration(run.record) != configuration(first.record):
            raise BenchError(f"{run.folder} differs from {first.folder} in more than the seed")
    seeds = tuple(run.record.training.seed for run in runs)
    if len(set(seeds)) < len(seeds):
        twice = next(seed for seed in seeds if seeds.count(seed) > 1)
        raise BenchError(f"seed {twice} was given twice")
    means = np.array([run.mean for run in runs])
    found = [over_seeds(means, first.metric)]
    if len({(run.record.protocol.sha256, run.scores.ids, len(run.scores)) for run in runs}) == 1:
        table = np.stack([run.scores.values for run in runs])
        found.append(over_seeds_and_episodes(table, first.metric))
    return SeedIntervals(
        seeds,
        float(means.mean()),
        float(means.std(ddof=1)) if len(means) > 1 else 0.0,
        tuple(record for record in found if record),
    )

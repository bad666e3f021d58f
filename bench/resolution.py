"""Resolution: what the user asked for, completed by what dataset and algorithm suggest."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from bench.algorithm import Decay, TrainingPlan
from bench.config import RunConfig
from bench.dataset import Dataset
from bench.episodes import EpisodeProtocol
from bench.errors import BenchError, nearest
from bench.tasks import REGRESSION

SCHEDULES: tuple[Decay, ...] = get_args(Decay)


def resolve_test_protocol(config: RunConfig, dataset: type[Dataset]) -> EpisodeProtocol:
    """Returns the test episodes: the dataset's own, with the user's wishes in them."""
    own = dataset.protocol
    if dataset.task == REGRESSION:
        for flag, value in (("ways", config.ways), ("train-ways", config.train_ways)):
            if value is not None:
                raise BenchError(
                    f"--{flag} is {value}, but {dataset.name} is regression: a task is one "
                    "function, which has no classes; leave it out"
                )
    ways = config.ways or own.ways
    return EpisodeProtocol(ways, config.shots or own.shots, config.queries or own.queries)


def resolve_plan(
    config: RunConfig, own: TrainingPlan, test: EpisodeProtocol, classes: int
) -> TrainingPlan:
    """Returns the training plan with the user's wishes in it and no None left."""
    schedule = config.schedule or own.schedule
    if schedule not in SCHEDULES:
        raise BenchError(f"--schedule is '{schedule}'; {nearest(schedule, SCHEDULES)}")
    return replace(
        own,
        steps=own.steps if config.steps is None else config.steps,
        meta_batch=config.meta_batch or own.meta_batch,
        ways=config.train_ways or min(own.ways or test.ways, max(classes, 2)),
        shots=config.train_shots or own.shots or test.shots,
        queries=config.train_queries or own.queries or test.queries,
        schedule=schedule,
    )

"""Resolution: what the user asked for, completed by what dataset and algorithm suggest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bench.algorithm import TrainingPlan
from bench.config import RunConfig
from bench.dataset import Dataset
from bench.decay import check_decay
from bench.episodes import KINDS, EpisodeProtocol, ProtocolKind
from bench.errors import BenchError, nearest
from bench.tasks import REGRESSION

PHOTO_WAYS = 20
"""Ways of training on photos, if a plan has more: as ProtoNet on mini-ImageNet, 5-shot (Snell et
al. 2017). Sixty ways, as on Omniglot, would take seconds a step."""
SMALL_IMAGE = 32 * 32
"""Pixels up to which an image is none of these photos."""

EPISODES = 1000
"""Test episodes, unless the user asks for others or the protocol gives fewer."""
REPETITIONS = 20
"""How often all images are divided into folds, unless the user asks for others."""


@dataclass(frozen=True)
class Protocols:
    """The episodes of test and validation; the latter are always fixed, of the same size."""

    test: EpisodeProtocol
    validation: EpisodeProtocol


def resolve_protocols(config: RunConfig, dataset: type[Dataset]) -> Protocols:
    """Returns the test episodes: the dataset's own, with the user's wishes in them.

    Raises:
        BenchError: the wishes do not go together.
    """
    kind = _kind(config, dataset)
    fixed = _fixed(config, dataset)
    test = EpisodeProtocol(fixed.ways, fixed.shots, fixed.queries, kind)
    if "queries" not in test.sizes and not test.varies:
        test = replace(test, queries=1)
    for flag in ("ways", "shots", "queries"):
        value = getattr(config, flag)
        if value is not None and flag not in test.sizes:
            what = _INSTEAD.get(kind, f"{flag} of their own")
            raise BenchError(
                f"--{flag} is {value}, but episodes of --protocol {kind} have {what}; leave it out"
            )
    return Protocols(test, fixed)


_INSTEAD: dict[ProtocolKind, str] = {
    "single": "one query each",
    "folds": "all images of a fold for queries",
}
"""What episodes of a kind have in place of a number of queries."""


def _kind(config: RunConfig, dataset: type[Dataset]) -> ProtocolKind:
    for kind in KINDS:
        if kind == config.protocol:
            if kind != "fixed" and dataset.task == REGRESSION:
                raise BenchError(
                    f"--protocol is {kind}, but {dataset.name} is regression: a task is one "
                    "function, which has no classes; leave it out"
                )
            return kind
    raise BenchError(f"--protocol is '{config.protocol}'; {nearest(config.protocol, KINDS)}")


def resolve_episodes(config: RunConfig, protocol: EpisodeProtocol, most: int | None) -> int:
    """Returns the number of test episodes, of which there are `most` (None: no end).

    Raises:
        BenchError: the user asks for more, or there are too few for an interval.
    """
    if protocol.kind == "folds":
        most = most and most - most % protocol.folds
        if config.episodes and config.episodes % protocol.folds:
            raise BenchError(
                f"--episodes is {config.episodes}, but with --protocol folds a repetition is "
                f"{protocol.folds} episodes here, one for each fold; ask for a multiple of "
                f"{protocol.folds}, such as {protocol.folds * REPETITIONS}"
            )
        return config.episodes or min(protocol.folds * REPETITIONS, most or EPISODES)
    if most is None:
        return config.episodes or EPISODES
    if most < 2:
        raise BenchError(
            f"the data gives {most} episodes of {protocol.id}, and an interval needs 2; ask for "
            "fewer --ways, --shots or --queries"
        )
    if config.episodes and config.episodes > most:
        raise BenchError(
            f"--episodes is {config.episodes}, but the data gives {most} episodes of "
            f"{protocol.id}; ask for at most {most}"
        )
    return config.episodes or min(EPISODES, most)


def _fixed(config: RunConfig, dataset: type[Dataset]) -> EpisodeProtocol:
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
    config: RunConfig,
    own: TrainingPlan,
    test: EpisodeProtocol,
    classes: int,
    input_shape: tuple[int, ...] = (),
) -> TrainingPlan:
    """Returns the training plan with the user's wishes in it and no None left.

    On photos a plan's ways are at most PHOTO_WAYS, or those of the test if these are more.
    """
    schedule = config.schedule or own.schedule
    check_decay(schedule)
    ways = own.ways or test.ways
    if math.prod(input_shape[-2:]) > SMALL_IMAGE and len(input_shape) == 3:
        ways = min(ways, max(PHOTO_WAYS, test.ways))
    return replace(
        own,
        steps=own.steps if config.steps is None else config.steps,
        meta_batch=config.meta_batch or own.meta_batch,
        ways=config.train_ways or min(ways, max(classes, 2)),
        shots=config.train_shots or own.shots or test.shots,
        queries=config.train_queries or own.queries or test.queries,
        schedule=schedule,
    )

"""Algorithms of these tests, built and audited."""

from __future__ import annotations

from collections.abc import Callable

import torch

from bench import Algorithm, TaskSpec
from bench.audit.auditing import audit
from bench.evaluation import evaluate
from bench.measurements import AuditRecord
from bench.pool import EpisodeStream
from bench.statistics import t_interval

WAYS = 4
Streams = Callable[..., EpisodeStream]


def built(kind: type[Algorithm], stream: EpisodeStream) -> Algorithm:
    torch.manual_seed(0)
    return kind(TaskSpec(stream.pool.input_shape, WAYS, 2, task=kind.tasks[0]))


def audited(kind: type[Algorithm], stream: EpisodeStream, episodes: int = 6) -> AuditRecord:
    return audit(built(kind, stream), stream, episodes, seed=0)


def accuracy(kind: type[Algorithm], stream: EpisodeStream) -> tuple[float, float]:
    """The mean over 300 episodes with half of its interval."""
    interval = t_interval(evaluate(built(kind, stream), stream, 300, seed=0).scores)
    return interval.mean, interval.half_width


def probe(record: AuditRecord, name: str) -> float:
    return next(one.largest for one in record.probes if one.name == name)

"""Cost: how long one task takes on its own, and how much there is to compute.

Times are those of the plain contract, a batch of one task: `adapt`, from the support to a
predictor, and the predictor's answer to all queries of the task, per query. What a method puts
off until it is asked is part of the answer. Floating-point operations are those of bench.flops,
of the first task. There the two are told apart by what they depend on: `flops_embed` is what one
more query takes, for most methods the forward pass of an image; `flops_adapt` is all of a task
that does not grow with its queries. `flops_train` is what `train_step` takes for one episode,
all orders of derivatives included.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bench.algorithm import Algorithm, Predictor
from bench.device import now_on
from bench.episodes import Examples
from bench.evaluation import questions
from bench.failures import plugin_code
from bench.features import LESS_MEMORY
from bench.flops import count_flops
from bench.measurements import CostRecord
from bench.pool import EpisodeStream
from bench.seeds import seed_torch
from bench.threads import SHORTEST, busy_cores, read_processor

TASKS, WARM_UP = 50, 5
FEWEST, SECONDS = 5, 3.0
"""Tasks timed at least, however long they take, and seconds after which no more are."""
TOLERATED = 0.5
"""Cores by which the machine may be busy with other things."""


@dataclass(frozen=True)
class _Task:
    """One task: its support, and its query inputs (m, ...)."""

    support: Examples
    query: Tensor


@dataclass(frozen=True)
class _Seconds:
    """Of one task: those of `adapt`, and those of its predictor per query."""

    adapt: float
    query: float


def measure_cost(
    algorithm: Algorithm,
    stream: EpisodeStream,
    *,
    seed: int,
    train: EpisodeStream | None = None,
    training_tasks_per_second: float | None = None,
) -> CostRecord:
    """Times up to 50 tasks of a stream one by one, after 5 to warm up, in about three seconds.

    Weights, buffers, gradients and random generators are afterwards as they were; the algorithm
    is left in evaluation mode. `train` is the stream of training episodes, None if there was no
    training; `training_tasks_per_second` is handed on.

    Raises:
        RunFailed: the algorithm raised an exception in `adapt` or its predictor.
    """
    algorithm.eval()
    devices = [stream.device] if stream.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        before = read_processor()
        timed = _timed(algorithm, stream, seed)
        doubt = _doubt(busy_cores(before, read_processor()), torch.get_num_threads())
        work = _Work(algorithm, next(_tasks(stream, 1)), seed)
        flops_adapt, flops_embed = work.flops_of_task()
        flops_train = None if train is None else work.flops_of_training(train)
    adapt = np.array([seconds.adapt for seconds in timed]) * 1e3
    query = np.array([seconds.query for seconds in timed]) * 1e3
    return CostRecord(
        tasks_timed=len(timed),
        adapt_ms=float(np.median(adapt)),
        adapt_ms_p95=float(np.percentile(adapt, 95)),
        query_ms=float(np.median(query)),
        query_ms_p95=float(np.percentile(query, 95)),
        training_tasks_per_second=training_tasks_per_second,
        flops_embed=flops_embed,
        flops_adapt=flops_adapt,
        flops_train=flops_train,
        doubt=doubt,
    )


def _timed(algorithm: Algorithm, stream: EpisodeStream, seed: int) -> list[_Seconds]:
    """Returns the times of tasks, once it is warm; takes as long as processor counters need."""
    started, timed = time.perf_counter(), []
    for number, task in enumerate(_tasks(stream, WARM_UP + TASKS)):
        seed_torch(seed, "cost", number)
        seconds = _time(algorithm, task, stream.device)
        elapsed = time.perf_counter() - started
        if number >= WARM_UP or elapsed > SECONDS / WARM_UP:
            timed.append(seconds)
        if len(timed) >= FEWEST and elapsed > SECONDS:
            break
    time.sleep(max(0.0, SHORTEST - (time.perf_counter() - started)))
    return timed


def _time(algorithm: Algorithm, task: _Task, device: torch.device) -> _Seconds:
    with plugin_code(algorithm.name, "being timed", LESS_MEMORY):
        started = now_on(device)
        predict = algorithm.adapt(task.support)
        ready = now_on(device)
        with torch.no_grad():
            predict(task.query)
        return _Seconds(ready - started, (now_on(device) - ready) / len(task.query))


def _tasks(stream: EpisodeStream, count: int) -> Iterator[_Task]:
    most = count if stream.length is None else min(count, stream.length)
    for drawn in stream.batches(most, 1):
        (support,), (query,) = questions(stream, drawn)
        yield _Task(support, query)


def _doubt(others: float, threads: int) -> str:
    """Returns why times should not be trusted, as a sentence; empty if nothing is known.

    `others` is the number of cores that other processes kept busy.
    """
    cores = os.cpu_count() or 1
    if others > TOLERATED and others + threads > cores - TOLERATED:
        return f"Others kept {others:.1f} of {cores} cores busy."
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > cores + TOLERATED:
        return f"The load was {load:.1f} on {cores} cores."
    return ""


@dataclass(frozen=True)
class _Work:
    """What is counted: one task of an algorithm in evaluation mode, and one training episode."""

    algorithm: Algorithm
    task: _Task
    seed: int

    def flops_of_task(self) -> tuple[int | None, int | None]:
        """Returns the operations that do not depend on the queries, and those of one query."""
        made: list[Predictor] = []
        adapt = self._count(lambda: made.append(self.algorithm.adapt(self.task.support)))
        if adapt is None:
            return None, None
        every = self._answering(made[0], self.task.query)
        one = self._answering(made[0], self.task.query[:1])
        if every is None or one is None:
            return None, None
        more = len(self.task.query) - 1
        each = (every - one) // more if more else one
        return adapt + one - each, each

    def _answering(self, predict: Predictor, query: Tensor) -> int | None:
        with torch.no_grad():
            return self._count(lambda: predict(query))

    def flops_of_training(self, train: EpisodeStream) -> int | None:
        """Returns the operations of a training step on one episode, done on a copy."""
        episodes = train.episodes(0, 1)

        def step() -> None:
            learner = copy.deepcopy(self.algorithm).train()
            learner.train_step(episodes, learner.optimizer())

        return self._count(step)

    def _count(self, work: Callable[[], object]) -> int | None:
        seed_torch(self.seed, "cost")
        try:
            return count_flops(work)
        except Exception:  # what torch cannot count, or copy, is no reason to end a run
            return None

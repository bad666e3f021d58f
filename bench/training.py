"""Meta-training: batches of episodes, validation that picks the weights, checkpoints, resuming.

Step t is a function of (weights, optimiser state, seed, t) alone, so a run that was killed and
resumed ends with the same bits as one that was not.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from bench.algorithm import Algorithm, TrainingPlan
from bench.checkpoint import (
    Course,
    TrainingState,
    Weights,
    load_into,
    load_state,
    pack_optimizer,
    save_state,
    unpack_optimizer,
)
from bench.decay import decay
from bench.errors import BenchError, Interrupted, RunFailed
from bench.evaluation import evaluate
from bench.failures import plugin_code
from bench.measurements import CurvePoint
from bench.pool import EpisodeStream
from bench.profiling import Profile
from bench.seeds import seed_torch
from bench.tasks import metric_of

LESS_MEMORY = "use a smaller --meta-batch, --train-ways, --train-queries or --backbone"


@dataclass(frozen=True)
class Schedule:
    """When training looks up from its work: steps between validations, between checkpoints."""

    validate_every: int
    validation_episodes: int
    checkpoint_every: int


@dataclass(frozen=True)
class TrainingProgress:
    """What a progress bar shows after a step; `validation` is its last score, as a text."""

    step: int
    steps: int
    loss: float
    validation: str
    tasks_per_second: float


class MetaTrainer:
    """Trains one algorithm; its state can be saved after any step and taken up again.

    Args:
        algorithm: the algorithm, on the streams' device; it ends with the best weights.
        plan: steps, meta-batch and learning-rate schedule.
        train: the stream of training episodes.
        validation: the stream of validation episodes; None keeps the last weights.
        schedule: when to validate and to save.
        seed: the training seed.
        state_file: where the state is saved.
        profile: whoever times the phases.

    Raises:
        BenchError: a stream is of the test split: nothing may be trained or chosen on it.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        plan: TrainingPlan,
        train: EpisodeStream,
        validation: EpisodeStream | None,
        schedule: Schedule,
        seed: int,
        state_file: Path,
        profile: Profile | None = None,
    ) -> None:
        _check_not_test(train, validation)
        self.algorithm, self.plan, self.train, self.validation = algorithm, plan, train, validation
        self.schedule, self.seed, self.state_file = schedule, seed, state_file
        self.optimizer = algorithm.optimizer()
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.course = Course(algorithm.name)
        self.metric = metric_of(algorithm.spec.task)
        self.best: Weights = {}
        self.saved_step = 0
        self.profile = profile or Profile()
        self.profile.watch(self.optimizer)

    def resume(self) -> None:
        """Takes up the saved state; raises BenchError if it is damaged or of another algorithm."""
        state = load_state(self.state_file, self.algorithm.name)
        load_into(self.algorithm, state.weights, self.state_file)
        unpack_optimizer(self.optimizer, state.course.optimizer, state.moments)
        self.course, self.best, self.saved_step = state.course, state.best, state.course.step

    def run(self, report: Callable[[TrainingProgress], None], stop: Callable[[], bool]) -> Course:
        """Trains to the end of the plan and leaves the best weights in the algorithm.

        Raises:
            RunFailed: out of memory, a loss that is not finite, or the plugin's own exception.
            Interrupted: `stop` returned True; the state was saved first.
        """
        started, tasks = time.perf_counter(), 0
        while self.course.step < self.plan.steps:
            before, busy = time.perf_counter(), time.process_time()
            self.profile.step()
            loss = self._step(self.course.step)
            step, losses = self.course.step + 1, self.course.losses + loss
            self.course = replace(self.course, step=step, losses=losses)
            look = self._look(stop) if self._is_due(step) else None
            seconds = self.course.seconds + time.perf_counter() - before
            busy = self.course.core_seconds + time.process_time() - busy
            self.course = replace(self.course, seconds=seconds, core_seconds=busy)
            if look:
                self._add(look)
            tasks += self.plan.meta_batch
            speed = tasks / (time.perf_counter() - started)
            shown = self._last_look()
            report(TrainingProgress(self.course.step, self.plan.steps, loss, shown, speed))
            if self.course.step % self.schedule.checkpoint_every == 0:
                self._save()
            if stop() and self.course.step < self.plan.steps:
                self._save()
                raise Interrupted(f"stopped after step {self.course.step} of {self.plan.steps}")
        self._save()
        load_into(self.algorithm, self.best or self._weights(), self.state_file)
        settle(self.algorithm, self.train)
        return self.course

    def _step(self, step: int) -> float:
        """Does step number `step` (from 0) and returns its loss."""
        factor = decay(self.plan.schedule, step, self.plan.steps)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        with self.profile.phase("sampling"):
            episodes = self.train.episodes(step * self.plan.meta_batch, self.plan.meta_batch)
        self.algorithm.train()
        seed_torch(self.seed, "step", step)
        doing = f"training, at step {step + 1}"
        with plugin_code(self.algorithm.name, doing, LESS_MEMORY), self.profile.phase("forward"):
            loss = self.algorithm.train_step(episodes, self.optimizer)
            is_finite = math.isfinite(loss)
        if not is_finite:
            raise RunFailed(
                f"the loss became {loss} at step {step + 1}; try a smaller learning rate, such as "
                f"--set lr={self.rates[0] / 10:g}{self._kept()}"
            )
        return loss

    def _is_due(self, step: int) -> bool:
        return step % self.schedule.validate_every == 0 or step == self.plan.steps

    def _look(self, stop: Callable[[], bool]) -> CurvePoint:
        """Returns the next point of the curve, but for the times; keeps weights that are best."""
        step = self.course.step
        since = step - (self.course.curve[-1].step if self.course.curve else 0)
        point = CurvePoint(step, 0.0, 0.0, self.course.losses / since)
        if self.validation is None:
            return point
        with self.profile.phase("validation"):
            settle(self.algorithm, self.train)
            results = evaluate(
                self.algorithm,
                self.validation,
                self.schedule.validation_episodes,
                seed=self.seed,
                stop=stop,
            )
        score, loss = float(results.scores.mean()), float(results.loss.mean())
        if self.metric.better(score, self.course.best_score):
            self.best = {n: t.detach().clone() for n, t in self._weights().items()}
            self.course = replace(self.course, best_step=step, best_score=score)
        return replace(point, score=score, loss=loss)

    def _add(self, look: CurvePoint) -> None:
        """Adds a point to the curve, with the times up to now."""
        seconds, busy = round(self.course.seconds, 3), round(self.course.core_seconds, 3)
        point = replace(look, seconds=seconds, core_seconds=busy)
        self.course = replace(self.course, curve=(*self.course.curve, point), losses=0.0)

    def _save(self) -> None:
        """Saves the state, unless its weights are no longer finite."""
        weights = self._weights()
        if not all(bool(torch.isfinite(t).all()) for t in weights.values()):
            return
        packed, moments = pack_optimizer(self.optimizer)
        course = replace(self.course, optimizer=packed)
        save_state(self.state_file, TrainingState(course, weights, self.best, moments))
        self.saved_step = self.course.step

    def _weights(self) -> Weights:
        weights: Weights = self.algorithm.state_dict()
        return weights

    def _last_look(self) -> str:
        score = self.course.curve[-1].score if self.course.curve else None
        return "" if score is None else self.metric.text(score)

    def _kept(self) -> str:
        if not self.saved_step:
            return ""
        return f"; the checkpoint of step {self.saved_step} is kept in {self.state_file}"


def settle(algorithm: Algorithm, train: EpisodeStream) -> None:
    """Lets an algorithm set its buffers from training episodes, if it wants to.

    Raises:
        BenchError: the stream is of the test split.
        RunFailed: the algorithm raised an exception.
    """
    _check_not_test(train)
    if type(algorithm).settle is Algorithm.settle:
        return
    algorithm.eval()
    episodes = (train.episodes(number, 1)[0] for number in itertools.count())
    with torch.no_grad(), plugin_code(algorithm.name, "settling", LESS_MEMORY):
        algorithm.settle(episodes)


def _check_not_test(*streams: EpisodeStream | None) -> None:
    """Raises BenchError if a stream is of the test split."""
    if any(stream and stream.pool.split == "test" for stream in streams):
        raise BenchError(
            "this stream is of the test split; weights are trained and chosen on streams of the "
            "train and val splits"
        )

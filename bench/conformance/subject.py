"""The subject: the algorithm under test, with all that a check needs to try it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.algorithm import Algorithm, Predictor, TaskSpec
from bench.backbones import Backbone
from bench.conformance.data import pool_of
from bench.dataset import Split
from bench.episodes import Episode, EpisodeProtocol, Examples
from bench.parameters import Value
from bench.pool import EpisodeStream
from bench.seeds import seed_torch
from bench.tasks import REGRESSION, Task
from bench.training import settle

CPU = torch.device("cpu")
STEPS, META_BATCH = 2, 2
"""Training steps before an algorithm is tried, and episodes in each."""


@dataclass(frozen=True)
class Subject:
    """An algorithm on one kind of task, with backbone and parameters."""

    algorithm: type[Algorithm]
    task: Task
    backbone: Backbone | None
    parameters: Mapping[str, Value]

    def protocol(
        self, ways: int = 5, shots: int | None = None, queries: int | None = None
    ) -> EpisodeProtocol:
        """Returns small episodes; in regression of one function, whatever `ways` says."""
        if self.task == REGRESSION:
            return EpisodeProtocol(1, shots or 5, queries or 8)
        return EpisodeProtocol(ways, shots or 2, queries or 3)

    def stream(self, protocol: EpisodeProtocol, split: Split = "test") -> EpisodeStream:
        """Returns episodes of one split, on the CPU."""
        return EpisodeStream(pool_of(self.task, split), protocol, 0, CPU)

    def episode(self, protocol: EpisodeProtocol | None = None, number: int = 0) -> Episode:
        """Returns one test episode."""
        return self.stream(protocol or self.protocol()).episodes(number, 1)[0]

    def build(
        self,
        protocol: EpisodeProtocol | None = None,
        *,
        backbone: Backbone | None = None,
        seed: int = 0,
        parameters: Mapping[str, Value] | None = None,
    ) -> Algorithm:
        """Returns the algorithm, untrained, with the same weights for the same seed."""
        protocol = protocol or self.protocol()
        pool = pool_of(self.task, "train")
        spec = TaskSpec(
            pool.input_shape,
            protocol.ways,
            protocol.shots,
            None if self.backbone is None else backbone or self.backbone,
            self.task,
            1,
            len(pool.classes),
        )
        seed_torch(seed, "check", "weights")
        return self.algorithm(spec, **{**self.parameters, **(parameters or {})})

    @cached_property
    def is_trained(self) -> bool:
        """Whether there is anything to train."""
        return any(p.requires_grad for p in self.build().parameters())

    @cached_property
    def _trained(self) -> Algorithm:
        algorithm, protocol = self.build(), self.protocol()
        stream = self.stream(protocol, "train")
        if self.is_trained:
            try:
                train(algorithm, stream, STEPS)
            except Exception:  # another check is about that
                algorithm = self.build()
        settle(algorithm, stream)
        return algorithm.eval()

    def trained(self) -> Algorithm:
        """Returns the algorithm after a few steps, in evaluation mode; the caller may change it."""
        try:
            return copy.deepcopy(self._trained)
        except (RuntimeError, TypeError):  # it keeps something that cannot be copied
            vars(self).pop("_trained", None)
            return self._trained

    def trial(self) -> Trial:
        """Returns the trained algorithm ready to be compared: in double precision if it can."""
        trial = in_double(self.trained())
        try:
            trial.answer(self.episode())
        except Exception:  # whatever it is, the same in single precision will tell
            return Trial(self.trained(), torch.float32, 1e-3)
        return trial


def train(algorithm: Algorithm, stream: EpisodeStream, steps: int) -> list[float]:
    """Takes training steps as the harness does, without a schedule; returns their losses."""
    optimizer = algorithm.optimizer()
    losses = []
    for step in range(steps):
        algorithm.train()
        seed_torch(0, "check", "step", step)
        episodes = stream.episodes(step * META_BATCH, META_BATCH)
        losses.append(algorithm.train_step(episodes, optimizer))
    return losses


@dataclass(frozen=True)
class Trial:
    """An algorithm in one precision, and the relative difference that rounding may make."""

    algorithm: Algorithm
    dtype: torch.dtype
    tolerance: float

    def adapt(self, support: Examples, seed: int = 0) -> Predictor:
        """Adapts to a copy of the support and returns a predictor on copies of queries.

        `seed` is that of the predictor; adapting always has the same.
        """
        with self.precision():
            seed_torch(0, "check", "adapt")
            known = Examples(self._own(support.inputs), self._own(support.targets), support.n_way)
            predict = self.algorithm.adapt(known)

        def answer(query: Tensor) -> Tensor:
            with self.precision(), torch.no_grad():
                seed_torch(seed, "check", "predict")
                return predict(self._own(query)).detach()

        return answer

    def answer(self, episode: Episode) -> Tensor:
        """Returns the predictions (m, ...) for an episode's queries."""
        return self.adapt(episode.support)(episode.query.inputs)

    def stream(self, stream: EpisodeStream) -> EpisodeStream:
        """Returns the same stream in this trial's precision."""
        if self.dtype is torch.float32:
            return stream
        return _DoubleStream(stream.pool, stream.protocol, stream.name.seed, stream.device)

    def same(self, one: Tensor, other: Tensor) -> bool:
        """Tells whether predictions differ by no more than rounding explains."""
        return gap(one, other) <= self.tolerance

    def _own(self, values: Tensor) -> Tensor:
        values = values.clone()
        return values.to(self.dtype) if values.is_floating_point() else values

    @contextmanager
    def precision(self) -> Iterator[None]:
        """Makes this trial's precision the one in which new tensors are made."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)
        try:
            yield
        finally:
            torch.set_default_dtype(before)


def in_double(algorithm: Algorithm) -> Trial:
    """Returns an algorithm, which is changed, in double precision."""
    return Trial(algorithm.double(), torch.float64, 1e-6)


class _DoubleStream(EpisodeStream):
    """A stream whose inputs, and values to predict, are in double precision."""

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        return super().gather(rows).double()

    def targets(self, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> Tensor:
        targets = super().targets(rows, labels)
        return targets.double() if targets.is_floating_point() else targets


def gap(one: Tensor, other: Tensor) -> float:
    """Returns the largest difference, relative to the largest number; inf if not comparable."""
    if one.shape != other.shape or not bool(torch.isfinite(one - other).all()):
        return math.inf
    scale = max(one.abs().max().item(), other.abs().max().item(), 1e-30)
    return (one - other).abs().max().item() / scale


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """Returns copies of all parameters and buffers, those that are not saved included."""
    named = (*module.named_parameters(), *module.named_buffers())
    return {name: tensor.detach().clone() for name, tensor in named}


def changed(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[str]:
    """Returns the names of what appeared, vanished or has another value."""

    def differs(name: str) -> bool:
        if name not in before or name not in after:
            return True
        one, other = before[name], after[name]
        return one.shape != other.shape or not torch.equal(one.nan_to_num(), other.nan_to_num())

    return sorted(name for name in {**before, **after} if differs(name))


def never_trained(subject: Subject) -> str:
    """The reason of checks that are about training."""
    return "" if subject.is_trained else "it has nothing to train"


def regression(subject: Subject) -> str:
    """The reason of checks that are about classes."""
    return "a curve has no classes" if subject.task == REGRESSION else ""

"""The subject: the algorithm under test, with all that a check needs to try it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import Backbone
from bench.conformance.data import pool_of
from bench.conformance.trial import Trial, in_double
from bench.dataset import Split
from bench.episodes import Episode, EpisodeProtocol
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

    @property
    def label(self) -> str:
        """What it is tried on."""
        return self.task

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


def never_trained(subject: Subject) -> str:
    """The reason of checks that are about training."""
    return (
        ""
        if subject.is_trained
        else "it has no parameters to train (a module in a plain list does not count)"
    )


def fixed_way(subject: Subject) -> str:
    """The reason of checks that are about any number of classes."""
    return "" if subject.build().any_way else "it does not claim any_way"


def regression(subject: Subject) -> str:
    """The reason of checks that are about classes."""
    return "a curve has no classes" if subject.task == REGRESSION else ""

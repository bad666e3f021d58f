"""What tests of training share: an algorithm that follows a script, and silent company."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import nn

from bench.algorithm import Algorithm, Predictor, TaskSpec
from bench.backbones import find_backbone
from bench.checkpoint import Course
from bench.episodes import Episode, Examples
from bench.pool import EpisodeStream
from bench.training import MetaTrainer, TrainingProgress

SPEC = TaskSpec((1, 12, 12), ways=3, shots=2, chosen_backbone=find_backbone("conv4-32"))
Streams = Callable[..., EpisodeStream]
Stop = Callable[[], bool]


def never() -> bool:
    return False


def silent(progress: TrainingProgress) -> None:
    pass


Trainers = Callable[..., MetaTrainer]


class Scripted(Algorithm):
    """Counts its steps in its only weight, and follows a script."""

    name = "scripted"

    def __init__(self, spec: TaskSpec = SPEC, *, good_at: int = 3) -> None:
        super().__init__(spec)
        self.weight = nn.Parameter(torch.zeros(()))
        self.good_at = good_at
        self.losses: dict[int, float] = {}
        self.rates: list[float] = []

    def optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.8)

    def adapt(self, support: Examples) -> Predictor:
        flat = Examples(support.inputs.flatten(1), support.targets, support.n_way)
        sign = -1.0 if self.weight.item() == self.good_at else 1.0
        means = flat.class_means()
        return lambda query: sign * torch.cdist(query.flatten(1), means)

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> float:
        self.rates.append(optimizer.param_groups[0]["lr"])
        with torch.no_grad():
            self.weight.add_(1)
        return self.losses.get(int(self.weight.item()), 1.0)


def outcome(course: Course) -> Course:
    """What training came to, without how long it took and what only a file keeps."""
    curve = tuple(replace(point, seconds=0.0, core_seconds=0.0) for point in course.curve)
    return replace(course, seconds=0.0, core_seconds=0.0, curve=curve, optimizer={})


def with_momentum(algorithm: Algorithm) -> torch.optim.Optimizer:
    return torch.optim.SGD(algorithm.parameters(), lr=0.05, momentum=0.9)

"""Plugins that keep the contract, and plugins that each break one sentence of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench import (
    Algorithm,
    BenchError,
    EmbeddingLearner,
    Episode,
    Examples,
    GradientLearner,
    Model,
    Predictor,
    TaskSpec,
    Weights,
)


class Sound(Algorithm):
    """Compares a query with class means, in features.

    Args:
        lr: learning rate.
        steps: a number that does nothing.
    """

    name = "sound"
    any_way = True

    def __init__(self, spec: TaskSpec, *, lr: float = 1e-2, steps: int = 3) -> None:
        super().__init__(spec)
        if lr <= 0 or steps < 1:
            raise BenchError(f"lr {lr} and steps {steps} must be positive")
        self.lr, self.steps = lr, steps
        self.embed = spec.backbone()
        self.make(spec)

    def make(self, spec: TaskSpec) -> None:
        pass

    def means(self, support: Examples) -> Tensor:
        return Examples(self.embed(support.inputs), support.targets, support.n_way).class_means()

    def scores(self, features: Tensor, means: Tensor) -> Tensor:
        return -(features.unsqueeze(1) - means).square().mean(-1)

    def adapt(self, support: Examples) -> Predictor:
        means = self.means(support)
        return lambda query: self.scores(self.embed(query), means)


class SoundSteps(GradientLearner):
    """Takes one gradient step."""

    name = "sound-steps"

    def inner_loop(self, model: Model, weights: Weights, support: Examples) -> Weights:
        return self.step(model, weights, support, second_order=self.training)

    def step(
        self, model: Model, weights: Weights, support: Examples, second_order: bool
    ) -> Weights:
        loss = self.task_loss(model(weights, support.inputs), support.targets)
        slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=second_order)
        pairs = zip(weights.items(), slopes, strict=True)
        return {name: w - 0.1 * self.changed(slope) for (name, w), slope in pairs}

    def changed(self, slope: Tensor) -> Tensor:
        return slope


class WrongShape(Sound):
    """Returns logits with classes first."""

    def scores(self, features: Tensor, means: Tensor) -> Tensor:
        return super().scores(features, means).T


class Crashing(Sound):
    """Asks for what is not there."""

    def adapt(self, support: Examples) -> Predictor:
        raise KeyError("prototypes")


class NoFunction(Sound):
    """Returns logits where a function is due."""

    def adapt(self, support: Examples) -> Any:  # what is wrong with it
        return self.scores(self.embed(support.inputs), self.means(support))


class Infinite(Sound):
    """Divides by zero."""

    def scores(self, features: Tensor, means: Tensor) -> Tensor:
        return super().scores(features, means) / 0


class NeedsTwoShots(Sound):
    """Divides by a standard deviation that one example does not have."""

    def adapt(self, support: Examples) -> Predictor:
        means, features = self.means(support), self.embed(support.inputs)
        groups = [features[support.targets == c] for c in range(support.n_way)]
        squares = [(group - group.mean(0)).square().mean() for group in groups]
        counts = torch.tensor([len(group) - 1 for group in groups])
        spread = torch.stack(squares) / counts
        return lambda query: self.scores(self.embed(query), means) / (1 + spread)


class NeedsTwoQueries(Sound):
    """Drops the axis of queries where there is one."""

    def scores(self, features: Tensor, means: Tensor) -> Tensor:
        return super().scores(features, means).squeeze(0)


class AtMostTenWays(Sound):
    """Has room for ten classes."""

    def make(self, spec: TaskSpec) -> None:
        if spec.ways > 10:
            raise IndexError("list index out of range")


class EqualShots(Sound):
    """Cuts the support into classes of one size."""

    def means(self, support: Examples) -> Tensor:
        features = self.embed(support.inputs)[support.targets.argsort()]
        means: Tensor = features.view(support.n_way, -1, features.shape[-1]).mean(1)
        return means


class DividesEvenly(Sound):
    """Takes the first so many examples, by label, for the first class, and so on."""

    def means(self, support: Examples) -> Tensor:
        shots = len(support) // support.n_way
        by_label = support.targets.argsort(stable=True)[: shots * support.n_way]
        features = self.embed(support.inputs)[by_label]
        means: Tensor = features.view(support.n_way, shots, -1).mean(1)
        return means


class FixedWay(Sound):
    """Claims any_way and has a bias for each of the usual classes."""

    def make(self, spec: TaskSpec) -> None:
        self.bias = nn.Parameter(torch.zeros(spec.ways))

    def scores(self, features: Tensor, means: Tensor) -> Tensor:
        return super().scores(features, means) + self.bias


class InPlace(Sound):
    """Centres the inputs where they lie."""

    def adapt(self, support: Examples) -> Predictor:
        support.inputs.sub_(support.inputs.mean())
        return super().adapt(support)


class Counting(Sound):
    """Counts its adaptations in a buffer."""

    count: Tensor

    def make(self, spec: TaskSpec) -> None:
        self.register_buffer("count", torch.zeros(()))

    def adapt(self, support: Examples) -> Predictor:
        if not self.training:
            self.count += 1
        return super().adapt(support)


class Unseeded(Sound):
    """Draws noise from a generator of its own."""

    def means(self, support: Examples) -> Tensor:
        noise = np.random.default_rng().normal(size=support.n_way)
        means = super().means(support)
        return means + 0.1 * torch.from_numpy(noise).to(means.dtype).unsqueeze(1)


class Remembering(Sound):
    """Keeps the means of the last episode on self."""

    def adapt(self, support: Examples) -> Predictor:
        self.last = self.means(support)
        return lambda query: self.scores(self.embed(query), self.last)


class ByPlace(Sound):
    """Prefers a class by the place of the query."""

    def scores(self, features: Tensor, means: Tensor) -> Tensor:
        place = torch.arange(len(features), dtype=features.dtype).unsqueeze(1)
        return super().scores(features, means) * (1 + place)


class LastCounts(Sound):
    """Weighs an example by its place in the support."""

    def means(self, support: Examples) -> Tensor:
        place = torch.arange(1, len(support) + 1, dtype=support.inputs.dtype).unsqueeze(1)
        features = self.embed(support.inputs) * place
        return Examples(features, support.targets, support.n_way).class_means()


class Centring(Sound):
    """Centres the queries by their own mean."""

    def adapt(self, support: Examples) -> Predictor:
        means = self.means(support)

        def predict(query: Tensor) -> Tensor:
            features = self.embed(query)
            return self.scores(features - features.mean(0), means)

        return predict


class Idle(Sound):
    """Hands copies of its parameters to the optimiser."""

    def optimizer(self) -> torch.optim.Optimizer:
        copies = [nn.Parameter(p.detach().clone()) for p in self.parameters()]
        return torch.optim.Adam(copies, lr=self.lr)


class NoLoss(Sound):
    """Trains and returns no loss."""

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> Any:
        super().train_step(episodes, optimizer)  # what is wrong with it is that this is lost


class Uphill(Sound):
    """Takes steps up the slope."""

    def optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.lr, maximize=True)


class Forgetful(Sound):
    """Scales by what is in no state_dict."""

    def make(self, spec: TaskSpec) -> None:
        self.scale = 1 + torch.rand(()).item()

    def scores(self, features: Tensor, means: Tensor) -> Tensor:
        return self.scale * super().scores(features, means)


class LosesCount(Sound):
    """Slows down by a count of its steps that no checkpoint holds."""

    done = 0

    def loss(self, episode: Episode) -> Tensor:
        return super().loss(episode) / (1 + self.done)

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> float:
        self.done += 1
        return super().train_step(episodes, optimizer)


class MixesTasks(EmbeddingLearner):
    """Centres by a mean over the first axis, which may be that of the tasks."""

    name = "mixes-tasks"

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        centre = support.inputs.mean(0)
        return (query - centre) @ (support.class_means() - centre).mT


class MixesGradients(SoundSteps):
    """Divides a training gradient by its norm, over all tasks."""

    def changed(self, slope: Tensor) -> Tensor:
        return slope / (1 + slope.norm()) if self.training else slope


class CutsGraph(SoundSteps):
    """Forgets second derivatives and does not say so."""

    def inner_loop(self, model: Model, weights: Weights, support: Examples) -> Weights:
        return self.step(model, weights, support, second_order=False)


class LostOnTheWay(Sound):
    """Has other weights after it was moved to a device."""

    def to(self, *arguments: Any, **keywords: Any) -> Any:  # as torch's
        moved = super().to(*arguments, **keywords)
        for parameter in moved.parameters():
            nn.init.normal_(parameter)
        return moved

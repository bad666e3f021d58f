"""ANIL (Raghu et al. 2020): MAML whose inner loop adapts the last layer and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bench import (
    Algorithm,
    BenchError,
    EmbeddingLearner,
    Episode,
    Examples,
    TaskSpec,
    TrainingPlan,
    hookimpl,
)


class ANIL(EmbeddingLearner):
    """Takes gradient steps on the support set with a linear head, whose start is learnt.

    The inner loss is the mean cross-entropy over the support, or the mean squared error on
    curves. Its gradient is written out, so the meta-gradient goes through the steps, second
    derivatives included, without a nested graph. Support and query are embedded in one batch in
    training, as in learn2learn's example; in evaluation batch norm uses running statistics, and
    each query is judged alone.

    Args:
        lr: learning rate of the outer loop (Adam).
        inner_lr: step size of the inner loop, on the mean loss.
        inner_steps: gradient steps on the support set in training.
        test_steps: gradient steps on the support set in evaluation.
    """

    name = "anil"
    family = "optimisation"
    paper = "Raghu, Raghu, Bengio, Vinyals 2020, arXiv:1909.09157"
    training_plan = TrainingPlan(steps=3000, meta_batch=4, queries=5, schedule="cosine")
    any_way = False
    tasks = ("classification", "regression")
    test_parameters = ("test_steps",)
    regression_defaults: ClassVar = {"test_steps": 10}

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 1e-3,
        inner_lr: float = 0.1,
        inner_steps: int = 5,
        test_steps: int = 20,
    ) -> None:
        super().__init__(spec)
        if inner_lr <= 0 or inner_steps < 1 or test_steps < 1:
            raise BenchError(
                f"inner_lr {inner_lr}, inner_steps {inner_steps} and test_steps {test_steps} must "
                "be positive"
            )
        self.lr, self.inner_lr = lr, inner_lr
        self.inner_steps, self.test_steps = inner_steps, test_steps
        self.head = nn.Linear(self.embedding.out_features, spec.outputs)

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        weight, bias = self.head.weight, self.head.bias.unsqueeze(-2)  # (n, d) and (1, n) at first
        of_curve = self.spec.task == "regression"
        wanted, factor = support.targets, 2 / self.spec.targets  # the slope of a square is twice it
        if not of_curve:
            wanted, factor = F.one_hot(wanted, support.n_way).to(query.dtype), 1
        for _ in range(self.inner_steps if self.training else self.test_steps):
            given = support.inputs @ weight.mT + bias
            error = (given if of_curve else given.softmax(-1)) - wanted
            slope = factor * error / len(support)  # of the mean loss, by the outputs: (..., s, n)
            weight = weight - self.inner_lr * slope.mT @ support.inputs
            bias = bias - self.inner_lr * slope.sum(-2, keepdim=True)
        return query @ weight.mT + bias

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> float:
        if any(isinstance(module, _BatchNorm) for module in self.embedding.modules()):
            return super().train_step(episodes, optimizer)  # statistics are those of each task
        known = self._embedded([episode.support for episode in episodes])
        asked = self._embedded([episode.query for episode in episodes])
        loss = self.task_loss(self.scores(known, asked.inputs), asked.targets) / len(episodes)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss.item()

    def _embedded(self, tasks: Sequence[Examples]) -> Examples:
        """Returns the features (t, s, d) and targets of t tasks."""
        features = self.embed(torch.cat([task.inputs for task in tasks]))
        targets = torch.stack([task.targets for task in tasks])
        return Examples(features.view(len(tasks), -1, features.shape[1]), targets, tasks[0].n_way)


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [ANIL]

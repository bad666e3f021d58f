"""Reptile (Nichol, Achiam, Schulman 2018): move the weights towards those fitted to each task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from bench import (
    Algorithm,
    BenchError,
    Episode,
    Examples,
    GradientLearner,
    Model,
    Norm,
    TaskSpec,
    TrainingPlan,
    Weights,
    hookimpl,
)

Prediction = Literal["support-plus-one", "transductive"]
DECAY = 0.999  # of Adam's second moments, as usual


class Reptile(GradientLearner):
    """Fits the weights to tasks by mini-batches and Adam without momentum; no second derivatives.

    The mean displacement is the meta-gradient (section 2, algorithm 2), taken by plain SGD. As in
    the authors' code, Adam's second moments live on from task to task, training tasks have more
    shots, and batch norm uses the statistics of the current batch: in a test, that of the support
    and one query, whose output alone is kept, so that each query is judged without the others.
    Unlike there, all tasks of a meta-batch start from the same second moments, of which the mean
    is kept. On curves the inner loop is the same, and its rate larger.

    Args:
        meta_lr: the share of the mean displacement by which the weights move, at the start.
        inner_lr: learning rate of the inner loop's Adam.
        inner_steps: mini-batches per task in training.
        inner_batch: examples in each of them; they cycle through the support.
        test_steps: mini-batches per task in evaluation.
        test_batch: examples in each of these.
        prediction: which queries share a batch's statistics; support-plus-one (none: each is
            appended to the support) or transductive (all). The paper reports both.
        norm: statistics of batch norm in evaluation; batch (as published) or running (each
            query is judged alone, whatever `prediction`).
    """

    name = "reptile"
    family = "optimisation"
    paper = "Nichol, Achiam, Schulman 2018, arXiv:1803.02999"
    training_plan = TrainingPlan(steps=2000, meta_batch=5, shots=10, queries=1, schedule="linear")
    support_order = "mini-batches follow the order of the support"
    approximate_gradient = "the weights move towards those fitted to the support"
    tasks = ("classification", "regression")
    test_parameters = ("test_steps", "test_batch", "prediction")
    regression_plan = TrainingPlan(
        steps=15_000, meta_batch=5, shots=10, queries=1, schedule="linear"
    )
    regression_defaults: ClassVar = {"inner_lr": 0.02, "test_batch": 10}

    def __init__(
        self,
        spec: TaskSpec,
        *,
        meta_lr: float = 1.0,
        inner_lr: float = 1e-3,
        inner_steps: int = 5,
        inner_batch: int = 10,
        test_steps: int = 50,
        test_batch: int = 5,
        prediction: Prediction = "support-plus-one",
        norm: Norm = "batch",
    ) -> None:
        super().__init__(spec, norm=norm, prediction=prediction)
        rates = {"meta_lr": meta_lr, "inner_lr": inner_lr}
        counts = {"inner_steps": inner_steps, "inner_batch": inner_batch}
        counts |= {"test_steps": test_steps, "test_batch": test_batch}
        for name, value in {**rates, **counts}.items():
            if value <= 0:
                raise BenchError(f"{name} is {value}; it must be positive")
        self.meta_lr, self.inner_lr, self.norm = meta_lr, inner_lr, norm
        self.inner_steps, self.inner_batch = inner_steps, inner_batch
        self.test_steps, self.test_batch = test_steps, test_batch
        self.moments = nn.ParameterList(
            nn.Parameter(torch.zeros_like(weight), requires_grad=False)
            for weight in self.network.parameters()
        )
        self.steps_done: Tensor
        self.register_buffer("steps_done", torch.tensor(0.0))

    def optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.network.parameters(), lr=self.meta_lr)

    def inner_loop(self, model: Model, weights: Weights, support: Examples) -> Weights:
        return self._fit(model, weights, support)[0]

    def predict(self, model: Model, weights: Weights, support: Examples, query: Tensor) -> Tensor:
        if not self.with_support:
            return model(weights, query)
        return self.predict_apart(model, weights, support, query)

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> float:
        inputs = torch.stack([episode.support.inputs for episode in episodes])
        targets = torch.stack([episode.support.targets for episode in episodes])
        tasks = Examples(inputs, targets, episodes[0].support.n_way)
        parts = self.over_tasks(
            tasks, lambda model, weights, some, _: self._fit(model, weights, some)
        )
        for i, weight in enumerate(self.network.parameters()):
            fitted = torch.cat([list(w.values())[i].view(-1, *weight.shape) for w, _, _ in parts])
            weight.grad = weight.detach() - fitted.detach().mean(0)
            moments = torch.cat([m[i].view(-1, *weight.shape) for _, m, _ in parts])
            self.moments[i].copy_(moments.mean(0))
        self.steps_done += self.inner_steps
        optimizer.step()
        return sum(loss for _, _, loss in parts) / len(episodes)

    def _fit(
        self, model: Model, weights: Weights, support: Examples
    ) -> tuple[Weights, list[Tensor], float]:
        """Returns fitted weights, second moments, and the last mini-batch's loss over the tasks."""
        weights = {name: w.detach().clone().requires_grad_() for name, w in weights.items()}
        fast = list(weights.values())
        adam = torch.optim.Adam(fast, lr=self.inner_lr, betas=(0.0, DECAY), fused=True)
        for weight, moment in zip(fast, self.moments, strict=True):
            adam.state[weight] = {
                "step": self.steps_done.clone(),
                "exp_avg": torch.zeros_like(weight),
                "exp_avg_sq": moment.detach().expand_as(weight).clone(),
            }
        last = 0.0
        for places in self._batches(len(support)):
            batch = support.at(places.to(support.targets.device))
            loss = self.task_loss(model(weights, batch.inputs), batch.targets)
            adam.zero_grad()
            loss.backward(inputs=fast)  # type: ignore[no-untyped-call]
            adam.step()
            last = loss.item()
        return weights, [adam.state[weight]["exp_avg_sq"] for weight in fast], last

    def _batches(self, size: int) -> Iterator[Tensor]:
        """Yields places in a support of `size`, which comes in random order already.

        Later passes use fixed reorderings, so that each is in random order, too.
        """
        steps = self.inner_steps if self.training else self.test_steps
        each = self.inner_batch if self.training else self.test_batch
        order, passes = torch.arange(size), 0
        for _ in range(steps):
            while len(order) < each:
                passes += 1
                again = np.random.default_rng(passes).permutation(size)
                order = torch.cat([order, torch.from_numpy(again)])
            yield order[:each]
            order = order[each:]


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [Reptile]

"""Reptile as learn2learn's example does it, on this harness's episodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench import Algorithm, Episode, Examples, Norm, Predictor, TaskSpec, hookimpl

from ._learn2learn import PAPER, NetworkLearner, check_positive, learn2learn
from .reptile import DECAY, Prediction, Reptile


class L2LReptile(NetworkLearner):
    """Reptile with learn2learn's clones: fit each by Adam without momentum, move towards them.

    learn2learn has no class for it, but an example. Its part is `clone_module` and
    `detach_module`; the loop is ours, and does as the example: Adam's second moments pass from
    one task to the next (`reptile` averages them over a meta-batch), and the mean displacement is
    the meta-gradient. Unlike there, mini-batches cycle through the support instead of being drawn
    with replacement, in the order of `reptile`. Defaults are those of `reptile`, but for fewer
    training steps on images. Its tests are slow: tasks run one by one.

    Args:
        meta_lr: the share of the mean displacement by which the weights move, at the start.
        inner_lr: learning rate of the inner loop's Adam.
        inner_steps: mini-batches per task in training.
        inner_batch: examples in each of them; they cycle through the support.
        test_steps: mini-batches per task in evaluation.
        test_batch: examples in each of these.
        prediction: which queries share a batch's statistics; support-plus-one (none: each is
            appended to the support) or transductive (all, as in learn2learn's example).
        norm: statistics of batch norm in evaluation; batch (as published) or running (each
            query is judged alone, whatever `prediction`).
    """

    name = "l2l-reptile"
    paper = f"{PAPER}; {Reptile.paper}"
    training_plan = replace(Reptile.training_plan, steps=800)
    regression_plan = Reptile.regression_plan
    regression_defaults = Reptile.regression_defaults
    test_parameters = Reptile.test_parameters
    support_order = "mini-batches follow the order of the support"
    approximate_gradient = "the weights move towards those fitted to the support"

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
        super().__init__(spec)
        check_positive(meta_lr=meta_lr, inner_lr=inner_lr)
        check_positive(inner_steps=inner_steps, inner_batch=inner_batch)
        check_positive(test_steps=test_steps, test_batch=test_batch)
        self.meta_lr, self.inner_lr, self.norm = meta_lr, inner_lr, norm
        self.inner_steps, self.inner_batch = inner_steps, inner_batch
        self.test_steps, self.test_batch = test_steps, test_batch
        self.prediction = prediction
        self.network = self.new_network(norm, prediction)
        self.moments = nn.ParameterList(
            nn.Parameter(torch.zeros_like(weight), requires_grad=False)
            for weight in self.network.parameters()
        )
        self.steps_done: Tensor
        self.register_buffer("steps_done", torch.tensor(0.0))

    def optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.network.parameters(), lr=self.meta_lr)

    def adapt(self, support: Examples) -> Predictor:
        return self.predictor(self._fit(support)[0], support)

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> float:
        weights, total = list(self.network.parameters()), 0.0
        displacements = [torch.zeros_like(weight) for weight in weights]
        for episode in episodes:
            fitted, adam, loss = self._fit(episode.support)
            for i, (weight, end) in enumerate(zip(weights, fitted.parameters(), strict=True)):
                displacements[i] += (weight - end).detach() / len(episodes)
                self.moments[i].copy_(adam.state[end]["exp_avg_sq"])
            self.steps_done += self.inner_steps
            total += loss / len(episodes)
        for weight, displacement in zip(weights, displacements, strict=True):
            weight.grad = displacement
        optimizer.step()
        return total

    def _fit(self, support: Examples) -> tuple[Any, torch.optim.Adam, float]:
        """Returns a fitted clone of the network, its optimiser, and the last mini-batch's loss."""
        utils = learn2learn("utils")
        network = utils.clone_module(self.network)
        utils.detach_module(network, keep_requires_grad=True)
        adam = torch.optim.Adam(network.parameters(), lr=self.inner_lr, betas=(0.0, DECAY))
        for weight, moment in zip(network.parameters(), self.moments, strict=True):
            adam.state[weight] = {
                "step": self.steps_done.clone(),
                "exp_avg": torch.zeros_like(weight),
                "exp_avg_sq": moment.detach().clone(),
            }
        last = 0.0
        steps = self.inner_steps if self.training else self.test_steps
        each = self.inner_batch if self.training else self.test_batch
        for places in batches(len(support), each, steps):
            batch = support.at(places.to(support.targets.device))
            loss = self.task_loss(network(batch.inputs), batch.targets)
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
            last = loss.item()
        return network, adam, last


def batches(size: int, each: int, steps: int) -> Iterator[Tensor]:
    """Yields the places of `steps` mini-batches in a support of `size`.

    They cycle through it: first as it comes, then in fixed orders, those of `reptile`.
    """
    each = min(each, size)
    passes = range(1, -(-steps * each // size))
    shuffled = [np.random.default_rng(number).permutation(size) for number in passes]
    order = torch.from_numpy(np.concatenate([np.arange(size), *shuffled]))
    for step in range(steps):
        yield order[step * each : (step + 1) * each]


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [L2LReptile]

"""Baseline (Chen et al. 2019): a classifier of all training classes, its head fitted anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench import Algorithm, BenchError, Examples, TaskSpec, TrainingPlan, hookimpl

from ._pretraining import Pretrained

MOMENTUM = DAMPENING = 0.9
WEIGHT_DECAY = 1e-3


class Baseline(Pretrained):
    """Trains a classifier of all training classes, then fits a linear head to each support set.

    The features stay as they are. As in the authors' code the head takes steps of SGD with
    momentum 0.9, dampening 0.9 and weight decay 0.001 on small batches. Here its gradient is
    written out and the heads of many tasks are fitted together: they start from the same weights
    and see their examples in the same orders, an order per epoch, drawn once and for all. That
    code pre-trains on batches of 16 images, at the usual rate of Adam, 0.001.

    Args:
        lr: learning rate of Adam in pre-training.
        head_lr: learning rate of the head on a task.
        epochs: how often the head sees the whole support.
        batch: examples per step of the head.
    """

    name = "baseline"
    family = "transfer"
    paper = "Chen et al. 2019, arXiv:1904.04232"
    test_parameters = ("head_lr", "epochs", "batch")
    support_order = "heads see the support in mini-batches"
    training_plan = TrainingPlan(steps=2500, ways=64, shots=1, queries=1, schedule="cosine")

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 4e-3,
        head_lr: float = 0.01,
        epochs: int = 100,
        batch: int = 4,
    ) -> None:
        super().__init__(spec, lr=lr)
        check_fitting(head_lr, epochs, batch)
        self.head_lr, self.epochs, self.batch = head_lr, epochs, batch

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        wanted = F.one_hot(support.targets, support.n_way).to(query.dtype)
        start, bias = fresh_head(support, query)
        tasks = query.shape[:-2]
        head = SGD(start.expand(*tasks, -1, -1), bias.expand(*tasks, -1, -1), lr=self.head_lr)
        for places in batches(len(support), self.batch, self.epochs, query.device):
            known = support.inputs.index_select(-2, places)
            weight, bias = head.weights
            slope = loss_slope(known @ weight.mT + bias, wanted.index_select(-2, places))
            head.step(slope.mT @ known, slope.sum(-2, keepdim=True))
        weight, bias = head.weights
        return query @ weight.mT + bias


class SGD:
    """torch's SGD with momentum, dampening and weight decay, of heads without a graph."""

    def __init__(self, *weights: Tensor, lr: float) -> None:
        self.lr, self.weights = lr, list(weights)
        self._momenta: list[Tensor] = []

    def step(self, *slopes: Tensor) -> None:
        """Does one step along the gradients of the weights, given in their order."""
        pairs = zip(slopes, self.weights, strict=True)
        slopes = tuple(slope + WEIGHT_DECAY * weight for slope, weight in pairs)
        if self._momenta:
            pairs = zip(self._momenta, slopes, strict=True)
            self._momenta = [MOMENTUM * old + (1 - DAMPENING) * slope for old, slope in pairs]
        else:
            self._momenta = list(slopes)  # the first step is not dampened
        pairs = zip(self.weights, self._momenta, strict=True)
        self.weights = [weight - self.lr * momentum for weight, momentum in pairs]


def loss_slope(logits: Tensor, wanted: Tensor) -> Tensor:
    """Returns the gradient (..., b, n) of the mean cross-entropy by logits (..., b, n)."""
    return (logits.softmax(-1) - wanted) / logits.shape[-2]


def batches(examples: int, size: int, epochs: int, device: torch.device) -> Iterator[Tensor]:
    """Yields the places (b,) of each mini-batch: every epoch has an order of its own."""
    drawn = np.random.default_rng(0)
    for _ in range(epochs):
        order = torch.from_numpy(drawn.permutation(examples)).to(device)
        yield from torch.split(order, size)


def fresh_head(support: Examples, query: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the weights (n, d) and bias (1, n) of a fresh linear layer, always the same."""
    width = query.shape[-1]
    drawn = np.random.default_rng(1).uniform(-1, 1, (support.n_way, width + 1)) / width**0.5
    head = torch.from_numpy(drawn).to(query)
    return head[:, :width], head[:, width:].mT


def check_fitting(head_lr: float, epochs: int, batch: int) -> None:
    """Raises BenchError unless the head can be fitted with these."""
    if head_lr <= 0 or epochs < 1 or batch < 1:
        raise BenchError(f"head_lr {head_lr}, epochs {epochs} and batch {batch} must be positive")


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [Baseline]

"""Meta-SGD (Li et al. 2017): MAML with a learnt rate for every weight."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from bench import (
    Algorithm,
    BenchError,
    Examples,
    GradientLearner,
    Model,
    Norm,
    TaskSpec,
    TrainingPlan,
    Weights,
    hookimpl,
)

from .maml import Prediction


class MetaSGD(GradientLearner):
    """Steps along the gradient times a vector of rates, meta-trained together with the weights.

    The rates start at random in a small range. Nothing keeps them positive: a rate below zero
    climbs. One step, in training and in test, as in the paper. The loss is the mean over the
    support, and batch norm is that of `maml`.

    Args:
        lr: learning rate of the outer loop (Adam), for weights and rates.
        lowest_rate: least of the rates at the start.
        highest_rate: greatest of the rates at the start.
        inner_steps: gradient steps on the support set in training.
        test_steps: gradient steps on the support set in evaluation.
        norm: statistics of batch norm in evaluation; batch (as in `maml`: the queries share
            theirs) or running (each query is judged alone).
        prediction: which queries share a batch's statistics when tested; transductive (all) or
            support-plus-one (none: each is appended to the support).
    """

    name = "metasgd"
    family = "optimisation"
    paper = "Li, Zhou, Chen, Li 2017, arXiv:1707.09835"
    training_plan = TrainingPlan(steps=5000, meta_batch=4, queries=1, schedule="cosine")
    tasks = ("classification", "regression")
    test_parameters = ("test_steps", "prediction")
    regression_defaults: ClassVar = {"lr": 1e-3, "lowest_rate": 0.005, "highest_rate": 0.1}

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 2e-3,
        lowest_rate: float = 0.4,
        highest_rate: float = 0.6,
        inner_steps: int = 1,
        test_steps: int = 1,
        norm: Norm = "batch",
        prediction: Prediction = "transductive",
    ) -> None:
        super().__init__(spec, norm=norm, prediction=prediction)
        if not 0 < lowest_rate <= highest_rate:
            raise BenchError(
                f"lowest_rate is {lowest_rate} and highest_rate {highest_rate}; the first must be "
                "positive and the second no less"
            )
        if inner_steps < 1 or test_steps < 1:
            raise BenchError(
                f"inner_steps {inner_steps} and test_steps {test_steps} must be positive"
            )
        self.lr, self.lowest_rate, self.highest_rate = lr, lowest_rate, highest_rate
        self.inner_steps, self.test_steps, self.norm = inner_steps, test_steps, norm
        self.rates = nn.ParameterList(
            torch.empty_like(weight).uniform_(lowest_rate, highest_rate)
            for weight in self.network.parameters()
        )

    def inner_loop(self, model: Model, weights: Weights, support: Examples) -> Weights:
        for _ in range(self.inner_steps if self.training else self.test_steps):
            loss = self.task_loss(model(weights, support.inputs), support.targets)
            slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=self.training)
            moves = zip(weights.items(), slopes, self.rates, strict=True)
            weights = {name: w - rate * slope for (name, w), slope, rate in moves}
        return weights


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [MetaSGD]

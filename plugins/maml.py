"""MAML (Finn, Abbeel, Levine 2017): weights from which a gradient step or two solves a new task."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch

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

Prediction = Literal["transductive", "support-plus-one"]


class MAML(GradientLearner):
    """Takes gradient steps on the support set, and learns the weights that these start from.

    The inner loss is the mean cross-entropy over the support. The authors' code sums where we
    average, so its rate of 0.4 at 5 ways is 2.0 here. As in that code, batch norm uses
    the statistics of the current batch by default, in training, adaptation and test. On curves
    the loss is the mean squared error, and the defaults are the paper's (section 5.1).

    Args:
        lr: learning rate of the outer loop (Adam).
        inner_lr: step size of the inner loop, on the mean loss.
        inner_steps: gradient steps on the support set in training.
        test_steps: gradient steps on the support set in evaluation.
        first_order: leave out second derivatives, as `fomaml` does.
        norm: statistics of batch norm in evaluation; batch (as published: the queries share
            theirs) or running (each query is judged alone; on Omniglot the steps then diverged).
        prediction: which queries share a batch's statistics when tested; transductive (all, as
            published) or support-plus-one (none: each is appended to the support).
    """

    name = "maml"
    family = "optimisation"
    paper = "Finn, Abbeel, Levine 2017, arXiv:1703.03400"
    training_plan = TrainingPlan(steps=5000, meta_batch=4, queries=1, schedule="cosine")
    tasks = ("classification", "regression")
    test_parameters = ("test_steps", "prediction")
    regression_defaults: ClassVar = {"lr": 1e-3, "inner_lr": 0.01, "test_steps": 10}

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 2e-3,
        inner_lr: float = 0.5,
        inner_steps: int = 1,
        test_steps: int = 5,
        first_order: bool = False,
        norm: Norm = "batch",
        prediction: Prediction = "transductive",
    ) -> None:
        super().__init__(spec, norm=norm, prediction=prediction)
        if inner_lr <= 0 or inner_steps < 1 or test_steps < 1:
            raise BenchError(
                f"inner_lr {inner_lr}, inner_steps {inner_steps} and test_steps {test_steps} must "
                "be positive"
            )
        self.lr, self.inner_lr, self.first_order = lr, inner_lr, first_order
        self.inner_steps, self.test_steps, self.norm = inner_steps, test_steps, norm
        if first_order:
            self.approximate_gradient = "second derivatives are left out"

    def inner_loop(self, model: Model, weights: Weights, support: Examples) -> Weights:
        second_order = self.training and not self.first_order
        for _ in range(self.inner_steps if self.training else self.test_steps):
            loss = self.task_loss(model(weights, support.inputs), support.targets)
            slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=second_order)
            pairs = zip(weights.items(), slopes, strict=True)
            weights = {name: w - self.inner_lr * slope for (name, w), slope in pairs}
        return weights


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [MAML]

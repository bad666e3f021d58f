"""MAML++ (Antoniou, Edwards, Storkey 2019): MAML with rates, norms and a loss for every step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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

from .maml import Prediction

FLOOR = 0.03  # of an equal share: what a step before the last keeps in the multi-step loss


class MAMLpp(GradientLearner):
    """MAML with a rate per layer and step, batch norm per step, and a loss after every step.

    With all four extras off it is `maml` with as many steps in test as in training; the fifth of
    the paper, the cosine schedule, is the training plan's. As in the authors' code: batch norm has
    a scale and an offset for each step, which are meta-trained and not adapted; its statistics
    are those of the current batch at all times (that code also collects running averages per
    step, which its batch norm never reads); a tensor counts as a layer; queries after a step use
    that step's batch norm; and derivative-order annealing is off, as in the authors'
    configuration for Omniglot. Unlike there, the loss weights are annealed from meta-step to
    meta-step instead of from epoch to epoch, the rate of the outer loop ends at zero instead of
    a hundredth, the activation is the backbone's own, and one model is tested, not an ensemble.

    Args:
        lr: learning rate of the outer loop (Adam).
        inner_lr: step size of the inner loop, on the mean loss, at the start if it is learnt.
        inner_steps: gradient steps on the support set, in training and in evaluation.
        learned_rates: learn a rate for each layer and step; else all are `inner_lr`.
        per_step_norm: a scale and an offset of batch norm for each step, not adapted; else one,
            adapted.
        multi_step: meta-steps during which the queries are judged after every inner step, with
            weights that shift to the last; 0 judges after the last from the start.
        first_order: meta-steps without second derivatives at the beginning.
        norm: statistics of batch norm in evaluation; batch (as in the authors' code: the queries
            share theirs) or running (each query is judged alone; one average for all steps).
        prediction: which queries share a batch's statistics in evaluation; transductive (all) or
            support-plus-one (none: each is appended to the support).
    """

    name = "mamlpp"
    family = "optimisation"
    paper = "Antoniou, Edwards, Storkey 2019, arXiv:1810.09502"
    training_plan = TrainingPlan(steps=1000, meta_batch=4, queries=1, schedule="cosine")
    test_parameters = ("prediction",)
    not_for = "its paper has images alone, and its learnt rates run away on squared errors"

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 2e-3,
        inner_lr: float = 0.1,
        inner_steps: int = 5,
        learned_rates: bool = True,
        per_step_norm: bool = True,
        multi_step: int = 100,
        first_order: int = 0,
        norm: Norm = "batch",
        prediction: Prediction = "transductive",
    ) -> None:
        super().__init__(spec, norm=norm, prediction=prediction)
        if inner_lr <= 0 or inner_steps < 1:
            raise BenchError(f"inner_lr {inner_lr} and inner_steps {inner_steps} must be positive")
        if multi_step < 0 or first_order < 0:
            raise BenchError(
                f"multi_step {multi_step} and first_order {first_order} must be meta-steps, 0 or "
                "more"
            )
        self.lr, self.inner_lr, self.inner_steps, self.norm = lr, inner_lr, inner_steps, norm
        self.learned_rates, self.per_step_norm = learned_rates, per_step_norm
        self.multi_step, self.first_order = multi_step, first_order
        if first_order:
            self.approximate_gradient = f"second derivatives come in after {first_order} meta-steps"
        self.by_step = _split_norms(self.network, inner_steps) if per_step_norm else frozenset()
        adapted = sum(name not in self.by_step for name, _ in self.network.named_parameters())
        rates = torch.full((inner_steps, adapted), inner_lr)
        self.rates = nn.Parameter(rates, requires_grad=learned_rates)
        self.steps_done: Tensor
        self.register_buffer("steps_done", torch.tensor(0))

    def inner_loop(self, model: Model, weights: Weights, support: Examples) -> Weights:
        *_, last = self._course(model, weights, support)
        return last

    def meta_loss(
        self, model: Model, weights: Weights, support: Examples, query: Examples
    ) -> Tensor:
        importance = loss_weights(self.inner_steps, int(self.steps_done), self.multi_step)
        losses = [
            share * self.task_loss(model(fitted, query.inputs), query.targets)
            for share, fitted in zip(importance, self._course(model, weights, support), strict=True)
            if share
        ]
        return torch.stack(losses).sum()

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> float:
        loss = super().train_step(episodes, optimizer)
        self.steps_done += 1
        return loss

    def _course(self, model: Model, weights: Weights, support: Examples) -> Iterator[Weights]:
        """Yields the weights after each step, with the batch norm of that step among them."""
        second_order = self.training and int(self.steps_done) >= self.first_order
        fast = {name: w for name, w in weights.items() if name not in self.by_step}
        for step, rates in enumerate(self.rates):
            norms = {name: weights[name].select(-2, step) for name in self.by_step}
            loss = self.task_loss(model(fast | norms, support.inputs), support.targets)
            slopes = torch.autograd.grad(loss, list(fast.values()), create_graph=second_order)
            moves = zip(fast.items(), slopes, rates, strict=True)
            fast = {name: w - rate * slope for (name, w), slope, rate in moves}
            yield fast | norms


def _split_norms(network: nn.Module, steps: int) -> frozenset[str]:
    """Gives every batch norm a scale and an offset (steps, c) per step; returns their names."""
    names = set()
    for place, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d) and module.affine:
            for name in ("weight", "bias"):
                shared = getattr(module, name).detach()
                setattr(module, name, nn.Parameter(shared.repeat(steps, 1)))
                names.add(f"{place}.{name}")
    return frozenset(names)


def loss_weights(inner_steps: int, done: int, multi_step: int) -> list[float]:
    """Returns the weight of the loss after each inner step, when `done` meta-steps are done.

    All are equal at first; those before the last fall in a line to a small share of it, and the
    last one gets what they lose. After `multi_step` meta-steps the last has all.
    """
    if done >= multi_step:
        return [0.0] * (inner_steps - 1) + [1.0]
    early = max(1 - done / multi_step, FLOOR) / inner_steps
    return [early] * (inner_steps - 1) + [1 - early * (inner_steps - 1)]


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [MAMLpp]

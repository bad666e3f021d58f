"""R2-D2 (Bertinetto et al. 2019): the head of a task is ridge regression, solved in closed form."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import (
    Algorithm,
    BenchError,
    EmbeddingLearner,
    Examples,
    TaskSpec,
    TrainingPlan,
    hookimpl,
)


class R2D2(EmbeddingLearner):
    """Fits one-hot labels by ridge regression on the support's features, and learns these.

    By Woodbury's identity the linear system has the size of the support, not of the features.
    Regularisation, and scale and bias of the logits, are learnt, too. As in the authors' code a
    bias is fitted through a feature that is always 1, and the squared error is the mean over the
    support. That code's scripts train with 1 to 10 shots, drawn anew for each episode, and leave
    the regularisation where it starts; here it is learnt as its logarithm, so it stays positive.

    Args:
        lr: learning rate of Adam.
        ridge: regularisation of the mean squared error, at the start.
        scale: factor of the logits, at the start.
    """

    name = "r2d2"
    family = "closed-form head"
    paper = "Bertinetto, Henriques, Torr, Vedaldi 2019, arXiv:1805.08136"
    training_plan = TrainingPlan(steps=800, ways=60, queries=5, schedule="cosine")

    def __init__(
        self, spec: TaskSpec, *, lr: float = 5e-3, ridge: float = 50.0, scale: float = 10.0
    ) -> None:
        super().__init__(spec)
        if ridge <= 0 or scale <= 0:
            raise BenchError(f"ridge {ridge} and scale {scale} must be positive")
        self.lr, self.ridge, self.scale = lr, ridge, scale
        self.log_ridge = nn.Parameter(torch.tensor(math.log(ridge)))
        self.factor = nn.Parameter(torch.tensor(float(scale)))
        self.shift = nn.Parameter(torch.tensor(0.0))

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        known, asked = F.pad(support.inputs, (0, 1), value=1.0), F.pad(query, (0, 1), value=1.0)
        wanted = F.one_hot(support.targets, support.n_way).to(query.dtype)
        # In the mean squared error, the ridge of the sum is s times as large.
        dual = ridge_regression(known, wanted, len(support) * self.log_ridge.exp())
        return self.factor * (asked @ known.mT @ dual) + self.shift


def ridge_regression(known: Tensor, wanted: Tensor, ridge: Tensor | float) -> Tensor:
    """Returns the dual coefficients (..., s, n) of features (..., s, d) and targets (..., s, n).

    The weights that minimise the squared error plus `ridge` times their own square are
    `known.mT @ dual`.
    """
    kernel = known @ known.mT
    identity = torch.eye(kernel.shape[-1], dtype=kernel.dtype, device=kernel.device)
    solved: Tensor = torch.linalg.solve(kernel + ridge * identity, wanted)
    return solved


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [R2D2]

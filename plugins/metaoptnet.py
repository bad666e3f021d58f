"""MetaOptNet (Lee et al. 2019): the head of a task is an SVM, solved and differentiated exactly."""

from __future__ import annotations

from typing import Literal, get_args

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

from ._multiclass_svm import dual_coefficients
from .r2d2 import ridge_regression

Head = Literal["svm", "ridge"]


class MetaOptNet(EmbeddingLearner):
    """Fits a linear classifier of convex loss to the support's features, and learns these.

    The head is Crammer and Singer's multi-class SVM, or ridge regression of one-hot labels. The
    authors solve the SVM's dual by qpth; here an interior-point method of our own does, for many
    tasks at once in double precision, and gradients go through its optimality conditions, see
    `_multiclass_svm`. A learnt factor scales the logits; as margins are about one, it starts at
    10 where the authors' starts at 1. They train by SGD with steps of the rate, with five ways
    and more shots than tested, and smooth the labels on mini-ImageNet.

    Args:
        lr: learning rate of Adam.
        head: the classifier; svm or ridge.
        cost: what an error costs the SVM (C), against its squared weights.
        ridge: regularisation of the ridge regression.
        scale: factor of the logits, at the start.
    """

    name = "metaoptnet"
    family = "closed-form head"
    paper = "Lee, Maji, Ravichandran, Soatto 2019, arXiv:1904.03758"
    training_plan = TrainingPlan(steps=800, ways=40, queries=5, schedule="cosine")

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 4e-3,
        head: Head = "svm",
        cost: float = 0.1,
        ridge: float = 50.0,
        scale: float = 10.0,
    ) -> None:
        super().__init__(spec)
        if head not in get_args(Head):
            raise BenchError(f"head is '{head}'; it is svm or ridge")
        if cost <= 0 or ridge <= 0 or scale <= 0:
            raise BenchError(f"cost {cost}, ridge {ridge} and scale {scale} must be positive")
        self.lr, self.head, self.cost, self.ridge, self.scale = lr, head, cost, ridge, scale
        self.factor = nn.Parameter(torch.tensor(float(scale)))

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        known, wanted = support.inputs, F.one_hot(support.targets, support.n_way).to(query.dtype)
        if self.head == "svm":
            dual = dual_coefficients(known, wanted, self.cost)
        else:
            dual = ridge_regression(known, 2 * wanted, self.ridge)
        return self.factor * (query @ known.mT @ dual)


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [MetaOptNet]

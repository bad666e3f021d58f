"""Soft k-means prototypes (Ren et al. 2018): queries, softly assigned, move the class means."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bench import (
    Algorithm,
    BenchError,
    EmbeddingLearner,
    Examples,
    TaskSpec,
    TrainingPlan,
    hookimpl,
)


class SoftKMeans(EmbeddingLearner):
    """Compares queries with class means that were refined by the queries themselves.

    Each step of refinement assigns every query to the means, by the softmax of minus its squared
    distances, and takes the mean of a class over its support and these shares of all queries. In
    the paper (section 3.1.1) the unlabelled images are a set of their own; here they are the
    queries, which makes the method transductive. Trained like ProtoNet, refinement included.

    Args:
        lr: learning rate of Adam.
        steps: steps of refinement; 0 is ProtoNet.
    """

    name = "soft-kmeans"
    family = "transductive"
    paper = "Ren et al. 2018, arXiv:1803.00676"
    training_plan = TrainingPlan(steps=1000, ways=60, queries=3, schedule="cosine")

    def __init__(self, spec: TaskSpec, *, lr: float = 1e-3, steps: int = 1) -> None:
        super().__init__(spec)
        if steps < 0:
            raise BenchError(f"steps is {steps}; it must not be negative")
        self.lr, self.steps = lr, steps
        if steps:
            self.transduction = "class means are refined by all queries together"

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        member = F.one_hot(support.targets, support.n_way).to(query.dtype)
        images = torch.cat([support.inputs, query], -2)
        means = support.class_means()
        for _ in range(self.steps):
            shares = torch.cat([member, nearness(query, means).softmax(-1)], -2)  # (..., s+m, n)
            means = shares.mT @ images / shares.sum(-2).unsqueeze(-1)
        return nearness(query, means)


def nearness(query: Tensor, means: Tensor) -> Tensor:
    """Returns minus the squared distances (..., m, n), up to a constant for each query."""
    return query @ (2 * means).mT - means.square().sum(-1).unsqueeze(-2)


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [SoftKMeans]

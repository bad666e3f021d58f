"""Prototypical Networks (Snell, Swersky, Zemel 2017): a class is the mean of its embeddings."""

from __future__ import annotations

from torch import Tensor

from bench import Algorithm, EmbeddingLearner, Examples, TaskSpec, TrainingPlan, hookimpl


class ProtoNet(EmbeddingLearner):
    """Compares a query with the mean embedding of each class by squared Euclidean distance.

    Trained with more ways than tested, as in the paper (section 2.6).

    Args:
        lr: learning rate of Adam.
    """

    name = "protonet"
    family = "metric"
    paper = "Snell, Swersky, Zemel 2017, arXiv:1703.05175"
    training_plan = TrainingPlan(steps=1500, ways=60, queries=5, schedule="cosine")

    def __init__(self, spec: TaskSpec, *, lr: float = 1e-3) -> None:
        super().__init__(spec)
        self.lr = lr

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        # Of -|q - p|^2 the part -|q|^2 is the same for every class, so softmax forgets it.
        prototypes = support.class_means()
        norms = prototypes.square().sum(-1).unsqueeze(-2)
        return query @ (2 * prototypes).mT - norms


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [ProtoNet]

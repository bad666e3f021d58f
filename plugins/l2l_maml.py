"""learn2learn's MAML (Arnold et al. 2020), on this harness's episodes."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import nn

from bench import (
    Algorithm,
    BenchError,
    Examples,
    Norm,
    Predictor,
    TaskSpec,
    TrainingPlan,
    hookimpl,
    import_extra,
)


class L2LMAML(Algorithm):
    """MAML as learn2learn implements it: clone the network, adapt the clone.

    Only the algorithm is learn2learn's; its Omniglot task sets draw test classes in training, so
    the episodes are ours. Defaults are those of `maml`.

    Args:
        lr: learning rate of the outer loop (Adam).
        inner_lr: step size of the inner loop, on the mean loss.
        inner_steps: gradient steps on the support set in training.
        test_steps: gradient steps on the support set in evaluation.
        first_order: leave out second derivatives (FOMAML).
        norm: statistics of batch norm in evaluation; batch (as published: the queries share
            theirs) or running (each query is judged alone).
    """

    name = "l2l-maml"
    family = "optimisation"
    paper = "Arnold et al. 2020, arXiv:2008.12284; Finn, Abbeel, Levine 2017, arXiv:1703.03400"
    training_plan = TrainingPlan(steps=5000, meta_batch=4, queries=1, schedule="cosine")
    requires = ("learn2learn",)

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
    ) -> None:
        super().__init__(spec)
        if inner_lr <= 0 or inner_steps < 1 or test_steps < 1:
            raise BenchError(
                f"inner_lr {inner_lr}, inner_steps {inner_steps} and test_steps {test_steps} must "
                "be positive"
            )
        self.lr, self.inner_lr, self.first_order = lr, inner_lr, first_order
        self.inner_steps, self.test_steps, self.norm = inner_steps, test_steps, norm
        embedding = spec.backbone(norm)
        network = nn.Sequential(embedding, nn.Linear(embedding.out_features, spec.ways))
        algorithms = import_extra("learn2learn.algorithms")
        self.learner: Any = algorithms.MAML(network, lr=inner_lr, first_order=first_order)
        if embedding.shares_statistics:
            self.transduction = "batch norm uses the statistics of all queries together"

    def adapt(self, support: Examples) -> Predictor:
        learner = self.learner.clone(first_order=self.first_order or not self.training)
        for _ in range(self.inner_steps if self.training else self.test_steps):
            learner.adapt(F.cross_entropy(learner(support.inputs), support.targets))
        predictor: Predictor = learner
        return predictor


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [L2LMAML]

"""learn2learn's Meta-SGD, on this harness's episodes."""

from __future__ import annotations

from dataclasses import replace

from bench import Algorithm, Norm, TaskSpec, hookimpl

from ._learn2learn import PAPER, WholeNetworkLearner, learn2learn
from .maml import MAML


class L2LMetaSGD(WholeNetworkLearner):
    """Meta-SGD as learn2learn implements it: MAML that learns a rate for every weight.

    Args:
        lr: learning rate of the outer loop (Adam), for weights and rates.
        inner_lr: what every weight's rate is at first.
        inner_steps: gradient steps on the support set in training.
        test_steps: gradient steps on the support set in evaluation.
        norm: statistics of batch norm in evaluation; batch (the queries share theirs) or running
            (each query is judged alone).
    """

    name = "l2l-metasgd"
    paper = f"{PAPER}; Li, Zhou, Chen, Li 2017, arXiv:1707.09835"
    training_plan = replace(MAML.training_plan, steps=1500)
    regression_plan = MAML.regression_plan
    regression_defaults = MAML.regression_defaults

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 2e-3,
        inner_lr: float = 0.5,
        inner_steps: int = 1,
        test_steps: int = 1,
        norm: Norm = "batch",
    ) -> None:
        steps = {"inner_steps": inner_steps, "test_steps": test_steps}
        super().__init__(spec, lr=lr, inner_lr=inner_lr, norm=norm, **steps)
        self.wrapped = learn2learn("algorithms").MetaSGD(self.network(), lr=inner_lr)


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [L2LMetaSGD]

"""learn2learn's Meta-SGD, on this harness's episodes."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from bench import Algorithm, BenchError, Norm, TaskSpec, hookimpl

from ._learn2learn import PAPER, WrappedLearner, check_positive, learn2learn
from .maml import Prediction
from .metasgd import MetaSGD


class L2LMetaSGD(WrappedLearner):
    """Meta-SGD as learn2learn implements it: MAML that learns a rate for every weight.

    learn2learn starts all rates at one value unless it is given some; it is given random ones, as
    in the paper and in `metasgd`. Defaults are those of `metasgd`, but for fewer training steps on
    images.

    Args:
        lr: learning rate of the outer loop (Adam), for weights and rates.
        lowest_rate: least of the rates at the start.
        highest_rate: greatest of the rates at the start.
        inner_steps: gradient steps on the support set in training.
        test_steps: gradient steps on the support set in evaluation.
        norm: statistics of batch norm in evaluation; batch (the queries share theirs) or running
            (each query is judged alone).
        prediction: which queries share a batch's statistics when tested; transductive (all) or
            support-plus-one (none: each is appended to the support).
    """

    name = "l2l-metasgd"
    paper = f"{PAPER}; {MetaSGD.paper}"
    training_plan = replace(MetaSGD.training_plan, steps=1500)
    regression_plan = MetaSGD.regression_plan
    regression_defaults = MetaSGD.regression_defaults

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
        super().__init__(spec)
        check_positive(lowest_rate=lowest_rate, inner_steps=inner_steps, test_steps=test_steps)
        if highest_rate < lowest_rate:
            raise BenchError(f"highest_rate {highest_rate} must not be below {lowest_rate}")
        self.lr, self.lowest_rate, self.highest_rate = lr, lowest_rate, highest_rate
        self.prediction = prediction
        self.inner_steps, self.test_steps, self.norm = inner_steps, test_steps, norm
        network = self.new_network(norm, prediction)
        rates = nn.ParameterList(
            torch.empty_like(weight).uniform_(lowest_rate, highest_rate)
            for weight in network.parameters()
        )
        self.wrapped = learn2learn("algorithms").MetaSGD(network, lrs=rates)


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [L2LMetaSGD]

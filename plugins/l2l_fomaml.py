"""learn2learn's MAML without second derivatives, on this harness's episodes."""

from __future__ import annotations

from dataclasses import replace

from bench import Algorithm, Norm, TaskSpec, hookimpl

from ._learn2learn import FIRST_ORDER, PAPER, WrappedLearner, check_positive, learn2learn
from .fomaml import FOMAML
from .maml import Prediction


class L2LFOMAML(WrappedLearner):
    """First-order MAML as learn2learn implements it: inner gradients count as constants.

    Defaults are those of `fomaml`, but for fewer training steps on images.

    Args:
        lr: learning rate of the outer loop (Adam).
        inner_lr: step size of the inner loop, on the mean loss.
        inner_steps: gradient steps on the support set in training.
        test_steps: gradient steps on the support set in evaluation.
        norm: statistics of batch norm in evaluation; batch (as published: the queries share
            theirs) or running (each query is judged alone).
        prediction: which queries share a batch's statistics when tested; transductive (all) or
            support-plus-one (none: each is appended to the support).
    """

    name = "l2l-fomaml"
    paper = f"{PAPER}; {FOMAML.paper}"
    training_plan = replace(FOMAML.training_plan, steps=1500)
    regression_plan = FOMAML.regression_plan
    regression_defaults = FOMAML.regression_defaults
    first_order = True
    approximate_gradient = FIRST_ORDER

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 2e-3,
        inner_lr: float = 0.1,
        inner_steps: int = 5,
        test_steps: int = 5,
        norm: Norm = "batch",
        prediction: Prediction = "transductive",
    ) -> None:
        super().__init__(spec)
        check_positive(inner_lr=inner_lr, inner_steps=inner_steps, test_steps=test_steps)
        self.lr, self.inner_lr, self.norm = lr, inner_lr, norm
        self.prediction = prediction
        self.inner_steps, self.test_steps = inner_steps, test_steps
        self.wrapped = learn2learn("algorithms").MAML(
            self.new_network(norm, prediction), lr=inner_lr
        )


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [L2LFOMAML]

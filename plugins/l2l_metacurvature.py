"""learn2learn's Meta-Curvature (Park, Oliva 2019), on this harness's episodes."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from bench import Algorithm, Norm, TaskSpec, hookimpl

from ._learn2learn import PAPER, WrappedLearner, check_positive, learn2learn
from .maml import MAML, Prediction


class L2LMetaCurvature(WrappedLearner):
    """MAML whose gradients pass through learnt matrices: learn2learn's GBML with its transform.

    The gradient of a convolution is multiplied along its input channels, its output channels and
    its positions, each by a square matrix of its own; that of a linear layer along inputs and
    outputs; that of a vector, elementwise. The matrices start as identities, so at first this is
    MAML; they are learnt with the weights, and stay as they are within a task. Batch norm's
    parameters are adapted, too, as vectors. Defaults are those of `maml`, but for fewer training
    steps, and as many steps in test as in training on curves: with matrices that were learnt for
    one step, ten diverge.

    Args:
        lr: learning rate of the outer loop (Adam), for weights and matrices.
        inner_lr: step size of the inner loop, on the mean loss.
        inner_steps: gradient steps on the support set in training.
        test_steps: gradient steps on the support set in evaluation.
        norm: statistics of batch norm in evaluation; batch (the queries share theirs) or running
            (each query is judged alone).
        prediction: which queries share a batch's statistics when tested; transductive (all) or
            support-plus-one (none: each is appended to the support).
    """

    name = "l2l-metacurvature"
    paper = f"{PAPER}; Park, Oliva 2019, arXiv:1902.03356"
    training_plan = replace(MAML.training_plan, steps=1500)
    regression_plan = replace(MAML.regression_plan, steps=8000)
    regression_defaults: ClassVar = {**MAML.regression_defaults, "test_steps": 1}

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 2e-3,
        inner_lr: float = 0.5,
        inner_steps: int = 1,
        test_steps: int = 5,
        norm: Norm = "batch",
        prediction: Prediction = "transductive",
    ) -> None:
        super().__init__(spec)
        check_positive(inner_lr=inner_lr, inner_steps=inner_steps, test_steps=test_steps)
        self.lr, self.inner_lr, self.norm = lr, inner_lr, norm
        self.prediction = prediction
        self.inner_steps, self.test_steps = inner_steps, test_steps
        transform = learn2learn("optim.transforms").MetaCurvatureTransform
        self.wrapped = learn2learn("algorithms").GBML(
            self.new_network(norm, prediction), transform, lr=inner_lr
        )


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [L2LMetaCurvature]

"""learn2learn's ANIL with Kronecker-factored optimisers, on this harness's episodes."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from bench import Algorithm, TaskSpec, hookimpl

from ._learn2learn import PAPER, HeadLearner, check_positive, learn2learn
from .anil import ANIL


class L2LKFO(HeadLearner):
    """ANIL whose head's gradients pass through learnt Kronecker-factored linear maps.

    The gradient G (n, d) of the head becomes A'A G B'B, with matrices that start as identities;
    likewise that of its bias. As in learn2learn's example, the matrices take gradient steps
    within a task, too, from its second step on. Support and query are embedded in one batch in
    training; in evaluation each query is judged alone. Defaults are those of `anil`, but for
    fewer training steps, and one step on curves, in training and test: on these, more of them
    diverge.

    Args:
        lr: learning rate of the outer loop (Adam), for weights and matrices.
        inner_lr: step size of the inner loop, on the mean loss.
        inner_steps: gradient steps on the support set in training.
        test_steps: gradient steps on the support set in evaluation.
        adapt_transform: whether the matrices take steps within a task.
    """

    name = "l2l-kfo"
    paper = f"{PAPER}; Arnold, Iqbal, Sha 2019, arXiv:1910.13603"
    training_plan = replace(ANIL.training_plan, steps=1500)
    regression_plan = replace(ANIL.regression_plan, steps=8000)
    regression_defaults: ClassVar = {"inner_steps": 1, "test_steps": 1}

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 1e-3,
        inner_lr: float = 0.1,
        inner_steps: int = 5,
        test_steps: int = 20,
        adapt_transform: bool = True,
    ) -> None:
        super().__init__(spec)
        check_positive(inner_lr=inner_lr, inner_steps=inner_steps, test_steps=test_steps)
        self.lr, self.inner_lr = lr, inner_lr
        self.inner_steps, self.test_steps = inner_steps, test_steps
        self.adapt_transform = adapt_transform
        kronecker = learn2learn("nn").KroneckerLinear
        self.head = learn2learn("algorithms").GBML(
            self.new_linear(),
            learn2learn("optim.transforms").KroneckerTransform(kronecker),
            lr=inner_lr,
            adapt_transform=adapt_transform,
        )


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [L2LKFO]

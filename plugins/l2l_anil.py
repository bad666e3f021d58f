"""learn2learn's ANIL, on this harness's episodes."""

from __future__ import annotations

from dataclasses import replace

from bench import Algorithm, TaskSpec, hookimpl

from ._learn2learn import PAPER, HeadLearner, check_positive, learn2learn
from .anil import ANIL


class L2LANIL(HeadLearner):
    """ANIL as in learn2learn's example: its MAML around the last layer, the body shared.

    Support and query are embedded in one batch in training; in evaluation batch norm uses running
    statistics, and each query is judged alone. Defaults are those of `anil`, but for fewer
    training steps on images.

    Args:
        lr: learning rate of the outer loop (Adam).
        inner_lr: step size of the inner loop, on the mean loss.
        inner_steps: gradient steps on the support set in training.
        test_steps: gradient steps on the support set in evaluation.
    """

    name = "l2l-anil"
    paper = f"{PAPER}; {ANIL.paper}"
    training_plan = replace(ANIL.training_plan, steps=1800)
    regression_plan = ANIL.regression_plan
    regression_defaults = ANIL.regression_defaults

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 1e-3,
        inner_lr: float = 0.1,
        inner_steps: int = 5,
        test_steps: int = 20,
    ) -> None:
        super().__init__(spec)
        check_positive(inner_lr=inner_lr, inner_steps=inner_steps, test_steps=test_steps)
        self.lr, self.inner_lr = lr, inner_lr
        self.inner_steps, self.test_steps = inner_steps, test_steps
        self.head = learn2learn("algorithms").MAML(self.new_linear(), lr=inner_lr)


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [L2LANIL]

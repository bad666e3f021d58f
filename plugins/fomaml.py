"""First-order MAML (Finn, Abbeel, Levine 2017): MAML without second derivatives."""

from __future__ import annotations

from bench import Algorithm, Norm, TaskSpec, hookimpl

from .maml import MAML


class FOMAML(MAML):
    """Takes the gradient at the adapted weights as if it were that at the weights they came from.

    The first-order approximation of MAML (Finn et al. 2017, section 5.2), as `maml` with
    `first_order`. All else, the inner loop and the test included, is as in `maml`.

    Args:
        lr: learning rate of the outer loop (Adam).
        inner_lr: step size of the inner loop, on the mean loss.
        inner_steps: gradient steps on the support set in training.
        test_steps: gradient steps on the support set in evaluation.
        norm: statistics of batch norm in evaluation; batch (as published: the queries share
            theirs) or running (each query is judged alone).
    """

    name = "fomaml"

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 2e-3,
        inner_lr: float = 0.5,
        inner_steps: int = 1,
        test_steps: int = 5,
        norm: Norm = "batch",
    ) -> None:
        super().__init__(
            spec,
            lr=lr,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            test_steps=test_steps,
            first_order=True,
            norm=norm,
        )


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [FOMAML]

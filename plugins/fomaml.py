"""First-order MAML (Finn, Abbeel, Levine 2017): MAML without second derivatives."""

from __future__ import annotations

from typing import ClassVar

from bench import Algorithm, Norm, TaskSpec, TrainingPlan, hookimpl

from .maml import MAML, Prediction


class FOMAML(MAML):
    """Takes the gradient at the adapted weights as if it were that at the weights they came from.

    The first-order approximation of MAML (Finn et al. 2017, section 5.2), as `maml` with
    `first_order`. All else is as in `maml`, but for more and smaller steps in training: they are
    cheap here, and with a single one it learns much more slowly.

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

    name = "fomaml"
    training_plan = TrainingPlan(steps=3000, meta_batch=4, queries=1, schedule="cosine")
    regression_defaults: ClassVar = {**MAML.regression_defaults, "inner_steps": 1}

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
        super().__init__(
            spec,
            lr=lr,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            test_steps=test_steps,
            first_order=True,
            norm=norm,
            prediction=prediction,
        )


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [FOMAML]

"""Support mean: the floor of regression, which ignores where it is asked."""

from __future__ import annotations

from torch import Tensor

from bench import Algorithm, Examples, Predictor, hookimpl


class SupportMean(Algorithm):
    """Answers every query with the mean of the support's targets."""

    name = "support-mean"
    family = "floor"
    backbone = None
    tasks = ("regression",)
    not_for = "it predicts a mean of numbers, and class labels have none"

    def adapt(self, support: Examples) -> Predictor:
        mean = support.targets.mean(0)  # (d,)

        def predict(query: Tensor) -> Tensor:
            return mean.expand(len(query), -1)

        return predict


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [SupportMean]

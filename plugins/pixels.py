"""Nearest centroid on raw inputs: the floor that every learner must beat."""

from __future__ import annotations

from torch import Tensor

from bench import Algorithm, Examples, Predictor, hookimpl


class Pixels(Algorithm):
    """Compares raw inputs with each class's mean input by squared Euclidean distance."""

    name = "pixels"
    family = "floor"
    backbone = None
    any_way = True

    def adapt(self, support: Examples) -> Predictor:
        flat = Examples(support.inputs.flatten(1), support.targets, support.n_way)
        means = flat.class_means()
        centre = means.mean(0)  # subtracted from both, it leaves the sums below few digits to lose
        means = means - centre

        def predict(query: Tensor) -> Tensor:
            moved = query.flatten(1) - centre
            lengths = moved.square().sum(-1, keepdim=True) + means.square().sum(-1)
            return 2 * moved @ means.mT - lengths

        return predict


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [Pixels]

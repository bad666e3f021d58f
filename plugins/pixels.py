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

        def predict(query: Tensor) -> Tensor:
            return -(query.flatten(1).unsqueeze(1) - means).square().sum(-1)

        return predict


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [Pixels]

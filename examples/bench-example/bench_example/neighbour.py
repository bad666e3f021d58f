"""Nearest neighbour on raw inputs."""

from __future__ import annotations

import torch
from torch import Tensor

from bench import Algorithm, Examples, Predictor, TaskSpec


class Neighbour(Algorithm):
    """Gives a query the label of the support examples that lie nearest.

    Args:
        p: the norm that distance is measured in; 2 is Euclidean.
    """

    name = "neighbour"
    family = "metric"
    backbone = None

    def __init__(self, spec: TaskSpec, *, p: float = 2.0) -> None:
        super().__init__(spec)
        self.p = p

    def adapt(self, support: Examples) -> Predictor:
        known = support.inputs.flatten(1)

        def predict(query: Tensor) -> Tensor:
            distances = torch.cdist(query.flatten(1), known, p=self.p)  # (m, s)
            far = torch.full((len(query), support.n_way), float("-inf"), device=query.device)
            targets = support.targets.expand_as(distances)
            return far.scatter_reduce(1, targets, -distances, "amax")

        return predict

"""SimpleShot (Wang et al. 2019): nearest class mean on centred, normalised features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from bench import Algorithm, BenchError, Episode, Examples, TaskSpec, TrainingPlan, hookimpl

from ._pretraining import Pretrained

Transform = Literal["UN", "L2N", "CL2N"]


class SimpleShot(Pretrained):
    """Compares a query with class means of transformed features by squared Euclidean distance.

    The network is trained as a classifier of all training classes; nothing is learnt from
    episodes. The mean to be subtracted is taken over some training images, where the authors'
    code takes them all; on data without a train split it is zero, and CL2N is L2N. That code
    trains by SGD with steps of the rate; this one by Adam.

    Args:
        lr: learning rate of Adam.
        transform: what is done to features; nothing (UN), division by their length (L2N), or
            first the mean of training features taken away (CL2N).
        mean_images: training images that this mean is taken over, at least.
    """

    name = "simpleshot"
    family = "transfer"
    paper = "Wang, Chao, Weinberger, van der Maaten 2019, arXiv:1911.04623"
    training_plan = TrainingPlan(steps=2500, ways=64, shots=1, queries=1, schedule="cosine")
    mean: Tensor

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 4e-3,
        transform: Transform = "CL2N",
        mean_images: int = 4096,
    ) -> None:
        super().__init__(spec, lr=lr)
        if transform not in get_args(Transform):
            raise BenchError(f"transform is '{transform}'; it is UN, L2N or CL2N")
        if mean_images < 1:
            raise BenchError(f"mean_images is {mean_images}; it must be at least 1")
        self.transform, self.mean_images = transform, mean_images
        self.register_buffer("mean", torch.zeros(self.embedding.out_features))

    def settle(self, episodes: Iterator[Episode]) -> None:
        if self.transform != "CL2N":
            return
        total, images = torch.zeros_like(self.mean), 0
        while images < self.mean_images:
            episode = next(episodes)
            features = self.embed(torch.cat([episode.support.inputs, episode.query.inputs]))
            total, images = total + features.sum(0), images + len(features)
        self.mean.copy_(total / images)

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        known = Examples(self._transformed(support.inputs), support.targets, support.n_way)
        centres = known.class_means()
        norms = centres.square().sum(-1).unsqueeze(-2)
        return self._transformed(query) @ (2 * centres).mT - norms  # but for the query's own norm

    def _transformed(self, features: Tensor) -> Tensor:
        """Returns features (..., d), centred and normalised as chosen."""
        if self.transform == "CL2N":
            features = features - self.mean
        return features if self.transform == "UN" else F.normalize(features, dim=-1)


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [SimpleShot]

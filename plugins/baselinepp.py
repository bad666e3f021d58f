"""Baseline++ (Chen et al. 2019): the baseline with cosines to class vectors for logits."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from bench import Algorithm, Examples, TaskSpec, TrainingPlan, hookimpl

from ._pretraining import Pretrained, uniform
from .baseline import SGD, batches, check_fitting, fresh_head, loss_slope


class BaselinePlusPlus(Pretrained):
    """Trains a cosine classifier of all training classes, then fits one to each support set.

    The logit of a class is the cosine of a feature and the class's direction, times the class's
    length, which is learnt as well (weight normalisation), times a fixed scale. All of that is
    the authors' code; in the paper itself (section 3.2) there is no length. Heads are fitted as
    by `baseline`.

    Args:
        lr: learning rate of Adam in pre-training.
        scale: factor of the logits of up to 200 classes.
        many_scale: factor of the logits of more classes than that.
        head_lr: learning rate of the head on a task. Cosines are small, so the authors' 0.01 is
            slow: 100 epochs with it do not fit a head of 20 classes, with 0.1 they do.
        epochs: how often the head sees the whole support.
        batch: examples per step of the head.
    """

    name = "baseline++"
    family = "transfer"
    paper = "Chen et al. 2019, arXiv:1904.04232"
    test_parameters = ("head_lr", "epochs", "batch")
    support_order = "heads see the support in mini-batches"
    training_plan = TrainingPlan(steps=2500, ways=64, shots=1, queries=1, schedule="cosine")

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 4e-3,
        scale: float = 2.0,
        many_scale: float = 10.0,
        head_lr: float = 0.01,
        epochs: int = 100,
        batch: int = 4,
    ) -> None:
        super().__init__(spec, lr=lr)
        check_fitting(head_lr, epochs, batch)
        self.scale, self.many_scale = scale, many_scale
        self.head_lr, self.epochs, self.batch = head_lr, epochs, batch
        factor = self._scale_of(spec.base_classes)
        width = self.embedding.out_features
        self.classifier = CosineClassifier(width, spec.base_classes, factor)

    def _scale_of(self, classes: int) -> float:
        return self.scale if classes <= 200 else self.many_scale

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        wanted = F.one_hot(support.targets, support.n_way).to(query.dtype)
        start, _ = fresh_head(support, query)
        start = start.expand(*query.shape[:-2], -1, -1)
        head = SGD(start, start.norm(dim=-1, keepdim=True), lr=self.head_lr)
        units, scale = F.normalize(support.inputs, dim=-1), self._scale_of(support.n_way)
        for places in batches(len(support), self.batch, self.epochs, query.device):
            known = units.index_select(-2, places)
            direction, length = head.weights  # (..., n, d) and (..., n, 1)
            norm = direction.norm(dim=-1, keepdim=True)
            unit = direction / norm
            logits = scale * known @ (length * unit).mT
            slope = scale * loss_slope(logits, wanted.index_select(-2, places)).mT @ known
            along = (slope * unit).sum(-1, keepdim=True)
            head.step(length / norm * (slope - along * unit), along)
        direction, length = head.weights
        return scale * F.normalize(query, dim=-1) @ (length * F.normalize(direction, dim=-1)).mT


class CosineClassifier(nn.Module):
    """Logits (b, c) of features (b, d): scaled cosines, times a length per class."""

    def __init__(self, width: int, classes: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.direction = nn.Parameter(uniform(classes, width))
        self.length = nn.Parameter(self.direction.detach().norm(dim=-1, keepdim=True))

    def forward(self, features: Tensor) -> Tensor:
        weight = self.length * F.normalize(self.direction, dim=-1)
        return self.scale * F.linear(F.normalize(features, dim=-1), weight)


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [BaselinePlusPlus]

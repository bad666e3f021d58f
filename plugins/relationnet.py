"""Relation Networks (Sung et al. 2018): a small network learns how to compare two feature maps."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import (
    Algorithm,
    Backbone,
    BenchError,
    Embedding,
    EmbeddingLearner,
    Episode,
    Examples,
    Norm,
    TaskSpec,
    TrainingPlan,
    hookimpl,
)

FILTERS, UNITS = 64, 8
PAIR_NUMBERS = 1 << 20
"""Numbers in the maps of pairs compared at once, when tested; so many stay in the cache."""


class RelationNet(EmbeddingLearner):
    """Scores a query against the sum of a class's feature maps by a convolutional network.

    As published: both maps, one upon the other, go through two blocks of convolution and two
    layers; the sigmoid of the result is the relation score, and its squared error to 1 for the
    right class and 0 for the others is the loss, averaged over all pairs. Weights start as in the
    authors' code, which also cuts the gradient of either network to a norm of 0.5.

    A sum grows with the number of examples, which the comparison has not learnt to allow for. So
    that of a class with other than the usual number of shots is scaled as if it had these.

    Logits are the scores before the sigmoid: the largest is the answer whatever the objective,
    and their sigmoid is the relation score. Under mse nothing makes their softmax the probability
    of a class, so the cross-entropy that is recorded in a test compares only with its own kind.

    The authors' code is in training mode also when it tests, on as many queries of every class,
    so that scores depend on the other queries. That is `norm=batch`, where support and queries
    are embedded apart, as there. By default batch norm has running averages, of the usual
    momentum (there it is 1), and each query is judged alone; in training, support and queries are
    then embedded in one batch. Other deviations: convolutions before batch norm have no bias, as
    it would be taken away, and a block pools only what is larger than a pixel, so that any
    backbone whose features are a map will do.

    Args:
        lr: learning rate of Adam.
        objective: mse (as published) or ce, the cross-entropy of a softmax over the classes.
        norm: statistics of batch norm in evaluation; running (each query is judged alone) or
            batch (as published: the queries share theirs).
        clip: largest norm of the gradient of the backbone, and of the relation module.
    """

    name = "relationnet"
    family = "metric"
    paper = "Sung, Yang, Zhang, Xiang, Torr, Hospedales 2018, arXiv:1711.06025"
    backbone = "relation-conv4"
    training_plan = TrainingPlan(steps=4000, queries=19, schedule="cosine")
    not_for = "it scores how well a query goes with a class, and a curve has none"

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 1e-3,
        objective: Literal["mse", "ce"] = "mse",
        norm: Norm = "running",
        clip: float = 0.5,
    ) -> None:
        super().__init__(spec)
        if clip <= 0:
            raise BenchError(f"clip is {clip}; it must be positive, such as 0.5")
        self.lr, self.objective, self.norm, self.clip = lr, objective, norm, clip
        if norm == "batch":
            self.embedding = spec.backbone(norm)
            self.transduction = "batch norm uses the statistics of all queries together"
        if self.embedding.map_shape is None:
            chosen = spec.chosen_backbone.name if spec.chosen_backbone else "none"
            raise BenchError(
                f"relationnet compares feature maps, and backbone '{chosen}' gives none; "
                "on images, take relation-conv4 or conv4"
            )
        self.map_shape = self.embedding.map_shape
        self.relation = RelationModule(self.map_shape, norm)

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        member = F.one_hot(support.targets, support.n_way).to(query.dtype)
        counts = member.sum(-2).unsqueeze(-1)  # (..., n, 1)
        sums = (member.mT @ support.inputs) * (self.spec.shots / counts)  # (..., n, d)
        known = sums.reshape(-1, support.n_way, *self.map_shape)  # (t, n, c, h, w)
        asked = query.reshape(-1, query.shape[-2], *self.map_shape)
        together = query.shape[-2]
        if not self.training and self.norm == "running":
            each = support.n_way * FILTERS * math.prod(self.map_shape[1:])
            together = max(1, PAIR_NUMBERS // each)
        tasks = zip(known, asked, strict=True)
        scored = [self.relation(a, part) for a, b in tasks for part in b.split(together)]
        return torch.cat(scored).view(*query.shape[:-1], support.n_way)

    def loss(self, episode: Episode) -> Tensor:
        if self.norm == "batch":
            logits = self.adapt(episode.support)(episode.query.inputs)
            return self.task_loss(logits, episode.query.targets)
        return super().loss(episode)

    def task_loss(self, predictions: Tensor, targets: Tensor) -> Tensor:
        if self.objective == "ce":
            return super().task_loss(predictions, targets)
        wanted = F.one_hot(targets, predictions.shape[-1]).to(predictions.dtype)
        return (predictions.sigmoid() - wanted).square().mean((-2, -1)).sum()

    def optimizer(self) -> torch.optim.Optimizer:
        optimizer = super().optimizer()

        def clip_each(*_: object) -> None:
            for network in (self.embedding, self.relation):
                nn.utils.clip_grad_norm_(network.parameters(), self.clip)

        optimizer.register_step_pre_hook(clip_each)
        return optimizer


class RelationModule(nn.Module):
    """Scores pairs of maps: two blocks of 64 filters, 8 units, and one."""

    def __init__(self, map_shape: tuple[int, int, int], norm: Norm) -> None:
        super().__init__()
        self.channels, *size = map_shape
        self.first = _convolution(2 * self.channels, padding=1)
        self.second = _convolution(FILTERS, padding=1)
        for _ in range(2):
            size = [side // 2 if min(size) > 1 else side for side in size]
        self.norms = _norms(2, norm)
        self.hidden = _layer(FILTERS * math.prod(size), UNITS)
        self.score = _layer(UNITS, 1)

    def forward(self, known: Tensor, asked: Tensor) -> Tensor:
        """Returns scores (m, n) from maps of classes (n, c, h, w) and of queries (m, c, h, w)."""
        # A convolution of two maps, one upon the other, is the sum of a convolution of each:
        # m + n of them in place of m * n.
        weight = self.first.weight
        of_known = F.conv2d(known, weight[:, : self.channels], padding=1)
        of_asked = F.conv2d(asked, weight[:, self.channels :], padding=1)
        pairs = (of_known + of_asked.unsqueeze(1)).flatten(0, 1)
        maps = _halved(self.norms[0](pairs))
        maps = _halved(self.norms[1](self.second(maps)))
        scores: Tensor = self.score(F.relu(self.hidden(maps.flatten(1))))
        return scores.view(len(asked), len(known))


class RelationEncoder(Embedding):
    """Four blocks of 64 filters, the first two without padding and with pooling: 28x28 to 5x5."""

    def __init__(self, input_shape: tuple[int, ...], norm: Norm) -> None:
        super().__init__()
        channels, *size = input_shape
        self.convolutions = nn.ModuleList(
            _convolution(FILTERS if block else channels, padding=int(block > 1))
            for block in range(4)
        )
        self.norms = _norms(4, norm)
        for _ in range(2):
            size = [(side - 2) // 2 if min(size) > 3 else side - 2 for side in size]
        self.map_shape = (FILTERS, size[0], size[1])
        self.out_features = math.prod(self.map_shape)

    def forward(self, inputs: Tensor) -> Tensor:
        maps = inputs
        blocks = zip(self.convolutions, self.norms, strict=True)
        for number, (convolution, norm) in enumerate(blocks):
            maps = norm(convolution(maps))
            maps = _halved(maps) if number < 2 else F.relu(maps)
        return maps.flatten(1)


def _convolution(channels: int, padding: int) -> nn.Conv2d:
    convolution = nn.Conv2d(channels, FILTERS, 3, padding=padding, bias=False)
    nn.init.normal_(convolution.weight, std=math.sqrt(2 / (9 * FILTERS)))
    convolution.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stub
    return convolution


def _layer(inputs: int, units: int) -> nn.Linear:
    layer = nn.Linear(inputs, units)
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.ones_(layer.bias)
    return layer


def _norms(blocks: int, norm: Norm) -> nn.ModuleList:
    return nn.ModuleList(
        nn.BatchNorm2d(FILTERS, track_running_stats=norm == "running") for _ in range(blocks)
    )


def _halved(maps: Tensor) -> Tensor:
    """Returns the maps after pooling, where they are larger than a pixel, and ReLU."""
    return F.relu(F.max_pool2d(maps, 2) if min(maps.shape[-2:]) > 1 else maps)


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [RelationNet]


@hookimpl
def bench_backbones() -> list[Backbone]:
    summary = "4 blocks of 64 filters, two of them pool: RelationNet's, 28x28 to maps of 5x5"
    return [Backbone("relation-conv4", summary, "images", RelationEncoder)]

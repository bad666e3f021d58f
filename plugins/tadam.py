"""TADAM (Oreshkin et al. 2018): the task's mean prototype says how the network should see it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import (
    Algorithm,
    BenchError,
    Episode,
    Examples,
    Predictor,
    TaskSpec,
    TrainingPlan,
    hookimpl,
)

from ._film import FilmNetwork, SharedWeightsLearner, modulate, stack


class TADAM(SharedWeightsLearner):
    """Compares a query with class prototypes in a space that depends on the task.

    A first pass over the support gives prototypes, and their mean stands for the task. From it a
    task embedding network (TEN) predicts a scale, as a difference from one, and a shift for each
    channel of each convolutional block. Support and query pass through the network so modulated;
    logits are squared Euclidean distances to prototypes, times a learnt factor. Each TEN output is
    multiplied by a learnt number, penalised, that starts at zero: there the method is ProtoNet.

    Deviations from the paper and the authors' code: the backbone is the one of the harness with
    ReLU, not ResNet-12 with swish; FiLM comes after the block's pooling, which is the same wherever
    the scale is positive; the distance is squared, as in ProtoNet; the factor is learnt, as the
    paper says, where the code takes the best on validation. Adam, without weight decay. The
    auxiliary classification of all training classes sees the support of the first pass, not a batch
    of its own, and its loss is weighted with the probability with which the paper draws it.

    Args:
        lr: learning rate of Adam.
        scale: the factor on distances at the start.
        penalty: weight of the TEN multipliers' squares, halved, in the loss.
        auxiliary: weight of the auxiliary loss at the start; 0 leaves it out.
        anneal_over: training steps over which that weight falls, twenty times by a tenth.
    """

    name = "tadam"
    family = "task embedding"
    paper = "Oreshkin, Rodriguez, Lacoste 2018, arXiv:1805.10123"
    any_way = True
    training_plan = TrainingPlan(steps=800, meta_batch=12, queries=3, schedule="cosine")

    def __init__(
        self,
        spec: TaskSpec,
        *,
        lr: float = 1e-3,
        scale: float = 1.0,
        penalty: float = 0.01,
        auxiliary: float = 0.9,
        anneal_over: int = 800,
    ) -> None:
        super().__init__(spec)
        if scale <= 0 or anneal_over < 1:
            raise BenchError(f"scale {scale} and anneal_over {anneal_over} must be positive")
        if penalty < 0 or auxiliary < 0:
            raise BenchError(f"penalty {penalty} and auxiliary {auxiliary} must not be negative")
        self.lr, self.scale, self.penalty = lr, scale, penalty
        self.auxiliary, self.anneal_over = auxiliary, anneal_over
        self.network = FilmNetwork(spec, "running")
        self.declare(self.network)
        width = self.network.out_features
        self.tens = nn.ModuleList(TaskEmbedding(width, c) for c in self.network.channels)
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.all_classes = nn.Linear(width, spec.base_classes) if spec.base_classes else None
        self.steps: Tensor
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def learn(self, support: Examples) -> Predictor:
        return self._conditioned(support, self._features(support.inputs))

    def batch_loss(self, episodes: Sequence[Episode]) -> Tensor:
        support = stack([episode.support for episode in episodes])
        query = stack([episode.query for episode in episodes])
        first = self._features(support.inputs)
        answer = self._conditioned(support, first)(query.inputs)
        multipliers = torch.cat([p for n, p in self.tens.named_parameters() if "multipliers" in n])
        loss = self.task_loss(answer, query.targets) / len(episodes)
        loss = loss + self.penalty / 2 * multipliers.square().sum()
        weight = self.auxiliary * 0.9 ** (20 * self.steps.item() // self.anneal_over)
        if self.all_classes is not None and weight > 0:
            classes = torch.cat([episode.classes[episode.support.targets] for episode in episodes])
            loss = loss + weight * F.cross_entropy(self.all_classes(first.flatten(0, 1)), classes)
        if self.training:
            self.steps += 1
        return loss

    def _conditioned(self, support: Examples, first: Tensor) -> Predictor:
        """Returns the predictor that follows from the features (t, s, d) of the first pass."""
        task = Examples(first, support.targets, support.n_way).class_means().mean(-2)  # (t, d)
        films = [ten(task) for ten in self.tens]
        second = self._features(support.inputs, films)
        prototypes = Examples(second, support.targets, support.n_way).class_means()

        def predict(query: Tensor) -> Tensor:
            norms = prototypes.square().sum(-1).unsqueeze(-2)  # that of the query is in all classes
            alike = self._features(query, films) @ (2 * prototypes).mT - norms
            return self.log_scale.exp() * alike

        return predict

    def _features(
        self, inputs: Tensor, films: Sequence[tuple[Tensor, Tensor]] | None = None
    ) -> Tensor:
        """Returns features (t, b, d) of inputs (t, b, ...), modulated block by block if asked."""
        maps = inputs.flatten(0, 1)
        for number in range(len(self.tens)):
            maps = self.network.block(number, maps)
            if films is not None:
                scale, shift = films[number]
                maps = modulate(maps, scale, shift)
            maps = F.relu(maps)
        return self.network.features(maps, len(inputs))


class TaskEmbedding(nn.Module):
    """The TEN of one block: two residual networks of three layers, one for scale, one for shift."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.scale, self.shift = (
            nn.ModuleList(nn.Linear(size, channels) for size in (width, channels, channels))
            for _ in range(2)
        )
        self.multipliers = nn.Parameter(torch.zeros(2))

    def forward(self, task: Tensor) -> tuple[Tensor, Tensor]:
        """Returns scale and shift (t, c) from task embeddings (t, d)."""
        on_scale, on_shift = self.multipliers
        return 1 + on_scale * _residual(self.scale, task), on_shift * _residual(self.shift, task)


def _residual(layers: nn.ModuleList, task: Tensor) -> Tensor:
    first, second, third = layers
    hidden = F.silu(first(task))
    hidden = F.silu(second(hidden) + hidden)
    out: Tensor = third(hidden) + hidden
    return out


@hookimpl
def bench_algorithms() -> list[type[Algorithm]]:
    return [TADAM]

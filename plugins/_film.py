"""FiLM (Perez et al. 2018): a task scales and shifts the maps of a network that all tasks share.

The weights being shared, t tasks pass through the network as one batch of t*b images, one task
after the other; only scale and shift know of tasks.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import (
    Algorithm,
    BenchError,
    Embedding,
    Episode,
    Examples,
    Norm,
    Predictor,
    TaskSpec,
)


class FilmNetwork(nn.Module):
    """A convolutional backbone, block by block, for whoever modulates maps before the ReLU.

    Raises:
        BenchError: the backbone is not made of such blocks.
    """

    def __init__(self, spec: TaskSpec, norm: Norm) -> None:
        super().__init__()
        # A ConvNet of bench, known by its parts: plugins cannot name the class.
        embedding: Any = spec.backbone(norm)
        parts = ("convolutions", "norms", "pool", "poolable")
        if not all(hasattr(embedding, part) for part in parts):
            name = spec.chosen_backbone.name if spec.chosen_backbone else "of this kind"
            raise BenchError(
                f"backbone {name} has no blocks of convolution and batch norm to modulate; try "
                "--backbone conv4, conv4-32, conv4-strided or conv6"
            )
        self.embedding = embedding
        self.out_features: int = embedding.out_features
        self.channels: list[int] = [block.out_channels for block in embedding.convolutions]

    def block(self, number: int, maps: Tensor) -> Tensor:
        """Returns what block `number` gives before its ReLU, from maps (t*b, c, h, w)."""
        net: Any = self.embedding
        maps = net.convolutions[number](maps).contiguous(memory_format=torch.channels_last)
        maps = net.norms[number](maps)
        pools = net.pool and net.poolable[number]
        return F.max_pool2d(maps, 2) if pools else maps

    def features(self, maps: Tensor, tasks: int) -> Tensor:
        """Returns the features (t, b, d) from the maps (t*b, c, h, w) after the last ReLU."""
        features = maps.flatten(1) if self.embedding.pool else maps.mean((2, 3))
        return features.view(tasks, -1, self.out_features)


def modulate(maps: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Returns maps (t*b, c, h, w) with each channel times scale (t, c), plus shift (t, c)."""
    by_task = maps.view(len(scale), -1, *maps.shape[1:])
    scale, shift = scale[:, None, :, None, None], shift[:, None, :, None, None]
    return (scale * by_task + shift).flatten(0, 1)


class SharedWeightsLearner(Algorithm):
    """A learner whose tasks share all weights, so that a meta-batch is one batch.

    One method must be written: `learn`, which is `adapt` with a leading task axis.
    """

    largest_slope = float("inf")
    """Elements of the meta-gradient are clamped to this, either way."""
    shares_statistics = False
    """Whether batch norm uses those of the batch at hand, also in evaluation."""

    def declare(self, network: nn.Module) -> None:
        """Says so if batch norm makes the inputs of a batch depend on each other."""
        if any(
            isinstance(part, Embedding) and part.shares_statistics for part in network.modules()
        ):
            self.shares_statistics = True
            self.transduction = "batch norm uses the statistics of all queries together"

    @abstractmethod
    def learn(self, support: Examples) -> Predictor:
        """Returns what t supports (t, s, ...) lead to: from queries (t, m, ...) to (t, m, n)."""

    def adapt(self, support: Examples) -> Predictor:
        predict = self.learn(stack([support]))
        return lambda query: predict(query.unsqueeze(0)).squeeze(0)

    def loss(self, episode: Episode) -> Tensor:
        return self.batch_loss([episode])

    def batch_loss(self, episodes: Sequence[Episode]) -> Tensor:
        """Returns the mean loss of tasks of one shape."""
        predict = self.learn(stack([episode.support for episode in episodes]))
        query = stack([episode.query for episode in episodes])
        return self.task_loss(predict(query.inputs), query.targets) / len(episodes)

    def train_step(self, episodes: Sequence[Episode], optimizer: torch.optim.Optimizer) -> float:
        # Batch norm with the batch's own statistics would mix tasks that are tested apart.
        parts = [[episode] for episode in episodes] if self.shares_statistics else [episodes]
        optimizer.zero_grad()
        total = 0.0
        for part in parts:
            loss = self.batch_loss(part) / len(parts)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        nn.utils.clip_grad_value_(self.parameters(), self.largest_slope)
        optimizer.step()
        return total


def stack(tasks: Sequence[Examples]) -> Examples:
    """Returns the examples of tasks of one shape, with a leading task axis."""
    inputs = torch.stack([task.inputs for task in tasks])
    return Examples(inputs, torch.stack([task.targets for task in tasks]), tasks[0].n_way)

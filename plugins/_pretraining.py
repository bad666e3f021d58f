"""Whole-class pre-training, which `baseline`, `baseline++` and `simpleshot` share."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import BenchError, EmbeddingLearner, Episode, TaskSpec


class Pretrained(EmbeddingLearner):
    """An embedding trained as a classifier of all c training classes, not by episodes.

    A batch is the images of one wide episode, support and query alike, rather than images drawn
    without regard to class. The weights of the best validation are kept; the papers' code keeps
    the last.
    """

    def __init__(self, spec: TaskSpec, *, lr: float) -> None:
        super().__init__(spec)
        self.lr = lr
        width = self.embedding.out_features
        self.classifier: nn.Module = LinearClassifier(width, spec.base_classes)

    def loss(self, episode: Episode) -> Tensor:
        """Returns the cross-entropy of an episode's images among all training classes."""
        if not self.spec.base_classes:
            raise BenchError("whole-class training needs the number of training classes, not 0")
        features = self.embed(torch.cat([episode.support.inputs, episode.query.inputs]))
        labels = torch.cat([episode.support.targets, episode.query.targets])
        classes = episode.classes.to(labels.device)
        return F.cross_entropy(self.classifier(features), classes[labels])


class LinearClassifier(nn.Module):
    """Logits (b, c) of features (b, d) by one weight vector and bias per class."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(uniform(classes, width))
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, features: Tensor) -> Tensor:
        return F.linear(features, self.weight, self.bias)


def uniform(rows: int, width: int) -> Tensor:
    """Returns weights (rows, width) as a fresh linear layer of torch has them."""
    return (2 * torch.rand(rows, width) - 1) / math.sqrt(width)

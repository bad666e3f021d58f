"""The embedding network of an algorithm: what turns an input into features, if it has one."""

from __future__ import annotations

from torch import Tensor, nn

from bench.algorithm import Algorithm, EmbeddingLearner
from bench.backbones import Embedding


class OwnEmbedding(nn.Module):
    """The `embed` of an embedding learner that has written its own, as a module."""

    def __init__(self, algorithm: EmbeddingLearner) -> None:
        super().__init__()
        self.algorithm = algorithm

    def forward(self, inputs: Tensor) -> Tensor:
        """Returns the features (b, d) of inputs (b, ...)."""
        return self.algorithm.embed(inputs)


def embedding_of(algorithm: Algorithm) -> nn.Module | None:
    """Returns the network from inputs (b, ...) to features (b, d); None if there is none.

    Of methods that adapt the network to each task it is the one that they start from.
    """
    if isinstance(algorithm, EmbeddingLearner):
        inherited = type(algorithm).embed is EmbeddingLearner.embed
        return algorithm.embedding if inherited else OwnEmbedding(algorithm)
    return next((part for part in algorithm.modules() if isinstance(part, Embedding)), None)

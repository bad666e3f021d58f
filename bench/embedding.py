"""The embedding network of an algorithm: what turns an input into features, if it has one."""

from __future__ import annotations

import torch
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
    """Returns the network from inputs (b, ...) to features (b, d), in evaluation mode.

    Of methods that adapt the network to each task it is the one that they start from. None if
    there is none, or none that can be called by itself, as where a method keeps parts of it for
    each of its steps.
    """
    if isinstance(algorithm, EmbeddingLearner):
        inherited = type(algorithm).embed is EmbeddingLearner.embed
        return algorithm.embedding if inherited else OwnEmbedding(algorithm)
    found = next((part for part in algorithm.modules() if isinstance(part, Embedding)), None)
    return found if found is not None and _works(found, algorithm.spec.input_shape) else None


def _works(network: Embedding, input_shape: tuple[int, ...]) -> bool:
    """Tells whether a network can be called: a method may have changed its parts."""
    place = next((p.device for p in network.parameters()), torch.device("cpu"))
    try:
        with torch.no_grad():
            network(torch.zeros(2, *input_shape, device=place))
    except RuntimeError:
        return False
    return True

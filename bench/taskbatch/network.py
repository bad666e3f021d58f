"""A classifier, an embedding and a linear layer, computed for many tasks at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.backbones import MLP, ConvNet, Identity, Linear, Residual, shares_statistics
from bench.taskbatch.convolution import channels_last, convolve
from bench.taskbatch.first_block import first_block
from bench.taskbatch.normalisation import batch_norm
from bench.taskbatch.pooling import max_pool

Weights = Mapping[str, Tensor]
Model = Callable[[Weights, Tensor], Tensor]
"""From weights (t, ...) by name and inputs (t, b, ...) to logits (t, b, n)."""


def batched(network: nn.Module) -> Model | None:
    """Returns the network as a function of many tasks' weights and inputs.

    Weights have the names of `network.named_parameters()` and a leading task axis. None if the
    network is of a kind that cannot be computed so exactly: above all, one whose batch norm keeps
    running averages, which would depend on the order of the tasks.
    """
    if not isinstance(network, nn.Sequential) or len(network) != 2:
        return None
    embedding, head = network
    if type(head) is not nn.Linear or head.bias is None:
        return None
    if type(embedding) is ConvNet and shares_statistics(embedding):
        body = _convnet(embedding)
    elif type(embedding) is MLP:
        body = _mlp(embedding)
    elif type(embedding) in _FOR_FEATURES:
        body = _FOR_FEATURES[type(embedding)]
    else:
        return None

    def model(weights: Weights, inputs: Tensor) -> Tensor:
        return _linear(body(weights, inputs), weights, "1")

    return model


def _linear(features: Tensor, weights: Weights, name: str) -> Tensor:
    matrix, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return torch.baddbmm(bias.unsqueeze(1), features, matrix.mT)


def _identity(weights: Weights, inputs: Tensor) -> Tensor:
    return inputs.flatten(2)


def _matrix(weights: Weights, inputs: Tensor) -> Tensor:
    return torch.bmm(inputs.flatten(2), weights["0.map.weight"].mT)


def _residual(weights: Weights, inputs: Tensor) -> Tensor:
    flat = inputs.flatten(2)
    return flat + _linear(F.relu(_linear(flat, weights, "0.inward")), weights, "0.outward")


_FOR_FEATURES: Mapping[type[nn.Module], Model] = MappingProxyType(
    {Identity: _identity, Linear: _matrix, Residual: _residual}
)


def _mlp(embedding: MLP) -> Model:
    def body(weights: Weights, inputs: Tensor) -> Tensor:
        features = inputs.flatten(2)
        for i in range(len(embedding.layers)):
            features = F.relu(_linear(features, weights, f"0.layers.{i}"))
        return features

    return body


def _convnet(embedding: ConvNet) -> Model:
    stride = 1 if embedding.pool else 2
    eps = embedding.norms[0].eps
    assert isinstance(eps, float)

    def body(weights: Weights, inputs: Tensor) -> Tensor:
        maps = channels_last(inputs)
        for i, poolable in enumerate(embedding.poolable):
            filters = weights[f"0.convolutions.{i}.weight"]
            gamma, beta = weights[f"0.norms.{i}.weight"], weights[f"0.norms.{i}.bias"]
            pools = embedding.pool and poolable
            if i == 0 and pools and not inputs.requires_grad:
                maps = first_block(maps, filters, gamma, beta, eps)
            else:
                maps = batch_norm(convolve(maps, filters, stride), gamma, beta, eps)
                if pools:
                    maps = max_pool(maps)
            maps = F.relu(maps)
        return maps.flatten(2) if embedding.pool else maps.mean((3, 4))

    return body

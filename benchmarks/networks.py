"""Networks: ours by name, and the same layers as the peers' users write them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import find_backbone
from bench.parameters import Value
from bench.registry import load_registry
from bench.seeds import seed_torch
from benchmarks.data import OMNIGLOT


def algorithm(name: str, *, shots: int = 1, **parameters: Value) -> Algorithm:
    """Returns a registered algorithm on 5-way Omniglot-shaped tasks, the same in every process.

    Batch norm's factors and offsets are moved off one and zero, where errors could hide.

    Raises:
        BenchError: no algorithm of that name is registered.
    """
    made = load_registry().algorithm(name)
    seed_torch(0, "benchmarks", name)
    built = made(TaskSpec(OMNIGLOT, 5, shots, find_backbone("conv4")), **parameters)
    for module in built.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    return built


class PlainConv4(nn.Module):
    """Conv4 as learn2learn's `CNN4Backbone` has it: convolution with bias, batch norm, ReLU, pool.

    From images (b, 1, 28, 28) to features (b, 64).
    """

    def __init__(self) -> None:
        super().__init__()
        blocks = []
        for channels in (1, 64, 64, 64):
            convolution = nn.Conv2d(channels, 64, 3, padding=1)
            blocks += [convolution, nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.blocks(images).flatten(1)
        return features


def twin(ours: Algorithm) -> tuple[PlainConv4, nn.Linear]:
    """Returns a peer's network and head with our weights in them, in training mode.

    A head that we have none of is drawn from the generator.
    """
    network, head = PlainConv4(), nn.Linear(64, 5)
    both = nn.ModuleList((network, head))
    for own, other in zip(layers(ours), layers(both), strict=False):
        with torch.no_grad():
            other.weight.copy_(own.weight)
            if other.bias is not None:
                other.bias.zero_()
                if own.bias is not None:
                    other.bias.copy_(own.bias)
    dtype = next(ours.parameters()).dtype
    return network.to(dtype), head.to(dtype)


def layers(module: nn.Module) -> list[nn.Conv2d | nn.BatchNorm2d | nn.Linear]:
    """Returns the layers that have weights, convolutions first, in the order of the network."""
    kinds: Sequence[type[nn.Conv2d | nn.BatchNorm2d | nn.Linear]] = (
        nn.Conv2d,
        nn.BatchNorm2d,
        nn.Linear,
    )
    return [layer for kind in kinds for layer in module.modules() if isinstance(layer, kind)]


def gradient_error(ours: nn.Module, theirs: nn.Module) -> float:
    """Returns the largest relative error between the gradients of two networks of equal layers.

    Relative to the largest element of each tensor. Our convolutions have no bias: its gradient is
    zero before batch norm.
    """
    worst = 0.0
    for own, other in zip(layers(ours), layers(theirs), strict=True):
        pairs = [(own.weight.grad, other.weight.grad)]
        if own.bias is not None and other.bias is not None:
            pairs.append((own.bias.grad, other.bias.grad))
        worst = max(worst, *(relative_error(a, b) for a, b in pairs))
    return worst


def relative_error(ours: Tensor | None, theirs: Tensor | None) -> float:
    """Returns the largest deviation, relative to the largest element; infinite if one is absent."""
    if ours is None or theirs is None:
        return float("inf")
    scale = theirs.abs().max().clamp_min(torch.finfo(theirs.dtype).tiny)
    return float((ours - theirs).abs().max() / scale)

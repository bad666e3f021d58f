"""Folding: batch norm with running statistics, taken into the convolution before it.

In evaluation batch norm is an affine map per channel, y = g (z - m) / sqrt(v + e) + b, of what the
convolution gives, z = W * x. So it is a convolution too, of weights W g / sqrt(v + e) and bias
b - g m / sqrt(v + e): the same map without a pass over the largest tensors of the network.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.backbones import ConvNet


@dataclass(frozen=True)
class FoldedBlock:
    """One block: weights (o, i, 3, 3) and bias (o,) of the convolution, and how it halves."""

    weight: Tensor
    bias: Tensor
    stride: tuple[int, int]
    pools: bool

    def __call__(self, maps: Tensor) -> Tensor:
        """Returns the maps (b, o, h', w') from maps (b, i, h, w)."""
        maps = F.conv2d(maps, self.weight, self.bias, self.stride, padding=1)
        if self.pools:
            maps = F.max_pool2d(maps, 2)
        return maps.relu_()


@dataclass(frozen=True)
class FoldedConvNet:
    """A ConvNet as it is in evaluation, by copies of its weights; without gradients."""

    blocks: tuple[FoldedBlock, ...]
    flattens: bool

    def __call__(self, inputs: Tensor) -> Tensor:
        """Returns the features (b, d) of inputs (b, ...), those of the network up to rounding."""
        maps = inputs
        with torch.no_grad():
            for block in self.blocks:
                maps = block(maps)
            return maps.flatten(1) if self.flattens else maps.mean((2, 3))


def fold_batch_norm(network: nn.Module) -> FoldedConvNet | None:
    """Returns the network with its batch norm folded, or None if this is not known to be exact.

    It is known of ConvNet, in evaluation, with running statistics and nothing changed or hooked.
    """
    if not isinstance(network, ConvNet) or not _is_as_built(network):
        return None
    blocks = []
    for convolution, norm, poolable in zip(
        network.convolutions, network.norms, network.poolable, strict=True
    ):
        if type(convolution) is not nn.Conv2d or type(norm) is not nn.BatchNorm2d:
            return None
        if norm.training or norm.running_mean is None or norm.running_var is None:
            return None
        scale = (norm.running_var.double() + norm.eps).rsqrt() * norm.weight.detach().double()
        bias = norm.bias.detach().double() - norm.running_mean.double() * scale
        weight = convolution.weight.detach()
        folded = (weight.double() * scale[:, None, None, None]).to(weight.dtype)
        folded = folded.contiguous(memory_format=torch.channels_last)
        height, width = convolution.stride
        pools = network.pool and poolable
        blocks.append(FoldedBlock(folded, bias.to(weight.dtype), (height, width), pools))
    return FoldedConvNet(tuple(blocks), network.pool)


def _is_as_built(network: ConvNet) -> bool:
    """Tells whether calling the network does what ConvNet's code says, and nothing more."""
    return type(network) is ConvNet and not any(
        module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module)
        for module in network.modules()
    )

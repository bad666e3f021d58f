"""ResNet-12 with 64-160-320-640 filters: the field's usual residual network."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from bench import Backbone, BackboneFamily, Embedding, Norm, hookimpl

WIDTHS = (64, 160, 320, 640)
SLOPE = 0.1


def _convolution(before: int, after: int, side: int, norm: Norm) -> list[nn.Module]:
    layer = nn.Conv2d(before, after, side, padding=side // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="leaky_relu")
    return [layer, nn.BatchNorm2d(after, track_running_stats=norm == "running")]


class ResidualBlock(nn.Module):
    """Three 3x3 convolutions beside one of 1x1, each with batch norm; the sum is pooled."""

    def __init__(self, before: int, after: int, *, pools: bool, norm: Norm) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *_convolution(before, after, 3, norm),
            nn.LeakyReLU(SLOPE),
            *_convolution(after, after, 3, norm),
            nn.LeakyReLU(SLOPE),
            *_convolution(after, after, 3, norm),
        )
        self.shortcut = nn.Sequential(*_convolution(before, after, 1, norm))
        self.pools = pools

    def forward(self, maps: Tensor) -> Tensor:
        maps = self.convolutions(maps) + self.shortcut(maps)
        if self.pools:
            maps = F.max_pool2d(maps, 2)
        return F.leaky_relu(maps, SLOPE)  # after pooling: the same values, a quarter of them


class ResNet12(Embedding):
    """Four residual blocks, each followed by 2x2 max-pooling; then the map's mean, or the map.

    The network of MetaOptNet (Lee et al. 2019, arXiv:1904.03758), which most later papers took.
    Deviations from the authors' code: no DropBlock; a map of less than two pixels is not pooled,
    so that small images can be read.
    """

    def __init__(self, input_shape: tuple[int, ...], norm: Norm, *, averages: bool) -> None:
        super().__init__()
        channels, height, width = input_shape
        self.averages = averages
        blocks: list[nn.Module] = []
        for before, after in pairwise((channels, *WIDTHS)):
            pools = min(height, width) >= 2
            height, width = (height // 2, width // 2) if pools else (height, width)
            blocks.append(ResidualBlock(before, after, pools=pools, norm=norm))
        self.blocks = nn.Sequential(*blocks)
        self.out_features = WIDTHS[-1] if averages else WIDTHS[-1] * height * width
        self.map_shape = None if averages else (WIDTHS[-1], height, width)

    def forward(self, inputs: Tensor) -> Tensor:
        maps: Tensor = self.blocks(inputs)
        return maps.mean((2, 3)) if self.averages else maps.flatten(1)


@hookimpl
def bench_backbones() -> list[Backbone | BackboneFamily]:
    blocks = "4 residual blocks of 64-160-320-640 filters"
    return [
        Backbone("resnet12", f"{blocks}, mean map", "images", partial(ResNet12, averages=True)),
        Backbone(
            "resnet12-map",
            f"{blocks}, the last map flattened: MetaOptNet's",
            "images",
            partial(ResNet12, averages=False),
        ),
    ]

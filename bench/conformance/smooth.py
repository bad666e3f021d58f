"""A small network without kinks, as finite differences like it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from bench.backbones import Backbone, Embedding, Norm


class SmoothMaps(Embedding):
    """Two convolutions with tanh, from images to a small map."""

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        channels, height, width = input_shape
        self.first = nn.Conv2d(channels, 4, 4, stride=4)
        self.second = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        size = [(side // 4 + 1) // 2 for side in (height, width)]
        self.map_shape = (6, size[0], size[1])
        self.out_features = math.prod(self.map_shape)

    def forward(self, inputs: Tensor) -> Tensor:
        maps: Tensor = self.second(torch.tanh(self.first(inputs)))
        return torch.tanh(maps).flatten(1)


class SmoothLayers(Embedding):
    """Two linear layers with tanh."""

    out_features = 12

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.first = nn.Linear(math.prod(input_shape), 16)
        self.second = nn.Linear(16, self.out_features)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.tanh(self.second(torch.tanh(self.first(inputs.flatten(1)))))


def _make(input_shape: tuple[int, ...], norm: Norm) -> Embedding:
    return SmoothMaps(input_shape) if len(input_shape) == 3 else SmoothLayers(input_shape)


SMOOTH = Backbone("smooth", "tanh layers: for finite differences", "anything", _make)

"""Backbones: networks that turn an input into a feature vector, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bench.errors import BenchError, nearest

Norm = Literal["running", "batch"]
"""How batch norm behaves in evaluation.

`running` uses the running averages of training: each input is embedded on its own. `batch` uses
the statistics of whatever is in the batch, always: predictions depend on the other queries.
"""

_WIDEST = 4096

Reads = Literal["images", "anything"]
"""What a backbone takes: images (c, h, w), or inputs of any shape, flattened."""


class Embedding(nn.Module):
    """A network from inputs (b, ...) to features (b, out_features)."""

    out_features: int
    map_shape: tuple[int, int, int] | None = None
    """Channels, height and width, if the features are a map, flattened."""

    @property
    def shares_statistics(self) -> bool:
        """Whether, in evaluation, an input's features depend on the others in its batch."""
        return shares_statistics(self)


def shares_statistics(module: nn.Module) -> bool:
    """Tells whether, in evaluation, batch norm makes the inputs of a batch depend on each other."""
    return any(isinstance(m, _BatchNorm) and m.running_mean is None for m in module.modules())


class ConvNet(Embedding):
    """Blocks of 3x3 convolution, batch norm and ReLU, each halving height and width.

    With `pool` a block halves by 2x2 max-pooling and the last map is flattened (Vinyals et al.
    2016; Snell et al. 2017, section 3.1). Without, it halves by a stride of two and the last map
    is averaged (Finn et al. 2017, the authors' code for Omniglot).
    """

    def __init__(
        self, input_shape: tuple[int, ...], *, blocks: int, filters: int, pool: bool, norm: Norm
    ) -> None:
        super().__init__()
        channels, height, width = input_shape
        self.pool = pool
        stride = 1 if pool else 2
        sizes = [channels] + [filters] * blocks
        # Batch norm takes the mean away, and with it any bias of the convolution.
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=stride, padding=1, bias=False) for a, b in pairwise(sizes)
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stub
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(filters, track_running_stats=norm == "running") for _ in range(blocks)
        )
        self.poolable = [min(height, width) >> i >= 2 for i in range(blocks)]
        area = (height >> sum(self.poolable)) * (width >> sum(self.poolable))
        self.out_features = filters * area if pool else filters
        if pool:
            halvings = sum(self.poolable)
            self.map_shape = (filters, height >> halvings, width >> halvings)

    def forward(self, inputs: Tensor) -> Tensor:
        maps = inputs
        for convolution, norm, poolable in zip(
            self.convolutions, self.norms, self.poolable, strict=True
        ):
            maps = norm(_channels_last(convolution(maps)))
            if self.pool and poolable:
                maps = F.max_pool2d(maps, 2)
            maps = F.relu(maps)  # after pooling: the same values and gradients, a quarter of them
        return maps.flatten(1) if self.pool else maps.mean((2, 3))


def _channels_last(maps: Tensor) -> Tensor:
    """Returns maps (b, c, h, w) with the channels of a pixel side by side in memory.

    That is `contiguous` with a memory format, but said so that torch.func.vmap can follow.
    """
    return maps.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


class MLP(Embedding):
    """Fully connected layers with ReLU between them; inputs of any shape are flattened."""

    def __init__(self, input_shape: tuple[int, ...], *, widths: tuple[int, ...]) -> None:
        super().__init__()
        sizes = [math.prod(input_shape), *widths]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.out_features = widths[-1]

    def forward(self, inputs: Tensor) -> Tensor:
        features = inputs.flatten(1)
        for layer in self.layers:
            features = F.relu(layer(features))
        return features


class Identity(Embedding):
    """Passes inputs on, flattened."""

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.out_features = math.prod(input_shape)
        if len(input_shape) == 3:
            channels, height, width = input_shape
            self.map_shape = channels, height, width

    @classmethod
    def make(cls, input_shape: tuple[int, ...], norm: Norm) -> Identity:
        """Returns one, as `Backbone.make` wants it."""
        return cls(input_shape)

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1)


class Linear(Embedding):
    """A square matrix that begins as the identity: features as they are, until training moves it.

    Good features are only lost by a network that begins at random.
    """

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.out_features = math.prod(input_shape)
        if self.out_features > _WIDEST:
            raise BenchError(
                f"backbone 'linear' is a square matrix, and the inputs have {self.out_features} "
                f"numbers; it takes {_WIDEST} at most: try --backbone mlp"
            )
        self.map = nn.Linear(self.out_features, self.out_features, bias=False)
        nn.init.eye_(self.map.weight)

    @classmethod
    def make(cls, input_shape: tuple[int, ...], norm: Norm) -> Linear:
        """Returns one, as `Backbone.make` wants it."""
        return cls(input_shape)

    def forward(self, inputs: Tensor) -> Tensor:
        features: Tensor = self.map(inputs.flatten(1))
        return features


class Residual(Embedding):
    """Inputs plus what an MLP of one hidden layer makes of them, which is nothing at first."""

    def __init__(self, input_shape: tuple[int, ...], *, width: int = 256) -> None:
        super().__init__()
        self.out_features = math.prod(input_shape)
        self.inward = nn.Linear(self.out_features, width)
        self.outward = nn.Linear(width, self.out_features)
        nn.init.zeros_(self.outward.weight)
        nn.init.zeros_(self.outward.bias)

    @classmethod
    def make(cls, input_shape: tuple[int, ...], norm: Norm) -> Residual:
        """Returns one, as `Backbone.make` wants it."""
        return cls(input_shape)

    def forward(self, inputs: Tensor) -> Tensor:
        flat = inputs.flatten(1)
        features: Tensor = flat + self.outward(F.relu(self.inward(flat)))
        return features


@dataclass(frozen=True)
class Backbone:
    """A named way to build an embedding for inputs of a given shape."""

    name: str
    summary: str
    reads: Reads
    make: Callable[[tuple[int, ...], Norm], Embedding]

    def build(self, input_shape: tuple[int, ...], norm: Norm = "running") -> Embedding:
        """Returns a freshly initialised embedding.

        Raises:
            BenchError: the backbone reads images and the inputs are none, or are too small; or
                what a plugin's `make` returned is no embedding.
        """
        if self.reads == "images" and (len(input_shape) != 3 or min(input_shape[1:]) < 8):
            raise BenchError(
                f"backbone '{self.name}' reads images of at least 8x8 pixels, but the inputs have "
                f"shape {input_shape}; try --backbone mlp"
            )
        made = self.make(input_shape, norm)
        if not isinstance(made, Embedding) or not isinstance(
            getattr(made, "out_features", None), int
        ):
            raise BenchError(
                f"backbone '{self.name}' was made as a {type(made).__name__}; it must be an "
                "Embedding that sets self.out_features, the number of features"
            )
        return made


def _conv(name: str, summary: str, *, blocks: int = 4, filters: int = 64, pool: bool) -> Backbone:
    def make(input_shape: tuple[int, ...], norm: Norm) -> Embedding:
        return ConvNet(input_shape, blocks=blocks, filters=filters, pool=pool, norm=norm)

    return Backbone(name, summary, "images", make)


def _mlp(name: str, summary: str, *widths: int) -> Backbone:
    return Backbone(name, summary, "anything", lambda shape, norm: MLP(shape, widths=widths))


_ALL = (
    _conv("conv4", "4 blocks of 64 filters, max-pooling: the field's usual network", pool=True),
    _conv("conv4-32", "4 blocks of 32 filters, max-pooling", filters=32, pool=True),
    _conv("conv4-strided", "4 blocks of 64 filters, stride 2, mean map: MAML's", pool=False),
    _conv("conv6", "6 blocks of 64 filters, max-pooling while the map allows", blocks=6, pool=True),
    _mlp("mlp", "3 layers of 64 units: the default for points and features", 64, 64, 64),
    _mlp("mlp-40", "2 layers of 40 units: the default for regression, as in MAML", 40, 40),
    Backbone("linear", "a square matrix that begins as the identity", "anything", Linear.make),
    Backbone("residual", "inputs plus an MLP that begins as zero", "anything", Residual.make),
    Backbone("identity", "nothing at all: for features as they are", "anything", Identity.make),
)
BACKBONES = {backbone.name: backbone for backbone in _ALL}
"""The core's own, which the fast paths know; plugins add others."""


def find_backbone(name: str) -> Backbone:
    """Returns the core's backbone of that name, or raises BenchError with the nearest match."""
    if name not in BACKBONES:
        raise BenchError(f"no backbone '{name}'; {nearest(name, BACKBONES)}")
    return BACKBONES[name]


@dataclass(frozen=True)
class BackboneFamily:
    """Backbones by `prefix:NAME`: `find(NAME)` gives one, or raises BenchError.

    `names` gives those that `bench info` shall list; none if they are without number.
    """

    prefix: str
    summary: str
    find: Callable[[str], Backbone]
    names: Callable[[], Sequence[str]] = tuple

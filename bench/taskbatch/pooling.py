"""2x2 max-pooling whose gradient can be differentiated again without leaving channels last.

The maximum picks one of four pixels. Its gradient puts values back where they were picked, and the
gradient of that picks again: a gather at the remembered places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from bench.taskbatch.convolution import channels_last_2d


def max_pool(maps: Tensor) -> Tensor:
    """Returns the maximum of each 2x2 square of maps (t, b, c, h, w): (t, b, c, h//2, w//2)."""
    pooled: Tensor = _Pick.apply(maps.flatten(0, 1))
    return pooled.view(*maps.shape[:2], *pooled.shape[1:])


class _Pick(Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> Tensor:
        picked, places = torch.ops.aten.max_pool2d_with_indices(maps, [2, 2], [2, 2])
        ctx.save_for_backward(places, maps)
        result: Tensor = picked
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        places, maps = ctx.saved_tensors
        result: Tensor = _PutBack.apply(gradient, places, maps)
        return result


class _PutBack(Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, places: Tensor, maps: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        return unpool(gradient, places, maps.shape[2:])

    @staticmethod
    def backward(ctx: Any, maps: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        return gather(maps, places), None, None


def unpool(gradient: Tensor, places: Tensor, size: Sequence[int]) -> Tensor:
    """Returns maps (b, c, h, w) of that size, zero but for the gradient at its places."""
    like = torch.empty(
        (*gradient.shape[:2], *size),
        dtype=gradient.dtype,
        device=gradient.device,
        memory_format=torch.channels_last,
    )
    result: Tensor = torch.ops.aten.max_pool2d_with_indices_backward(
        channels_last_2d(gradient), like, [2, 2], [2, 2], [0, 0], [1, 1], False, places
    )
    return result


def gather(maps: Tensor, places: Tensor) -> Tensor:
    """Returns the pixels of maps (b, c, h, w) at places (b, c, h', w')."""
    pixels = maps.permute(0, 2, 3, 1).flatten(1, 2)
    at = places.permute(0, 2, 3, 1)
    return pixels.gather(1, at.flatten(1, 2)).view(at.shape).permute(0, 3, 1, 2)

"""3x3 convolutions of many tasks, each with its own weights, differentiable any number of times.

A convolution y = x * w is linear in x and in w. Its gradients are two more such products: with g
the gradient of y, `input_gradient(g, w)` and `weight_gradient(x, g)`. All three contract the same
three-way form <x * w, g>, so the gradients of each are again among the three:

    forward(x, w):          d/dx = input_gradient(g, w)     d/dw = weight_gradient(x, g)
    input_gradient(g, w):   d/dg = forward(h, w)            d/dw = weight_gradient(h, g)
    weight_gradient(x, g):  d/dx = input_gradient(g, v)     d/dg = forward(x, v)

where h and v are the gradients that arrive. Nothing else is needed for derivatives of any order,
so second-order MAML runs on the three ordinary kernels.

Shapes: maps (t, b, c, h, w) and weights (t, o, c, 3, 3) whose memory is channels last, that is,
contiguous as (t, b, h, w, c) and (t, o, 3, 3, c).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

SMALL = 4
"""Maps of at most this height go through one batched matrix product for all tasks.

Measured on one processor, with its AVX-512 kernels and with those for AVX2: the convolution
kernels win from 7x7 upwards, one product for all tasks wins at 3x3.
"""


def convolve(maps: Tensor, weights: Tensor, stride: int) -> Tensor:
    """Returns each task's 3x3 convolution, padded by one: (t, b, o, h', w')."""
    result: Tensor = _Forward.apply(maps, weights, stride)
    return result


def channels_last(tensor: Tensor) -> Tensor:
    """Returns (t, b, c, h, w) with the memory order (t, b, h, w, c); copies only if needed."""
    return tensor.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)


class _Forward(Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, weights: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(maps, weights)
        ctx.stride = stride
        return _forward(maps, weights, stride)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        maps, weights = ctx.saved_tensors
        to_maps, to_weights, _ = ctx.needs_input_grad
        return (
            _InputGradient.apply(gradient, weights, maps.shape, ctx.stride) if to_maps else None,
            _WeightGradient.apply(maps, gradient, ctx.stride) if to_weights else None,
            None,
        )


class _InputGradient(Function):
    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, weights: Tensor, shape: torch.Size, stride: int
    ) -> Tensor:
        ctx.save_for_backward(gradient, weights)
        ctx.stride = stride
        return _input_gradient(gradient, weights, shape, stride)

    @staticmethod
    def backward(ctx: Any, maps: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        gradient, weights = ctx.saved_tensors
        to_gradient, to_weights, _, _ = ctx.needs_input_grad
        return (
            _Forward.apply(maps, weights, ctx.stride) if to_gradient else None,
            _WeightGradient.apply(maps, gradient, ctx.stride) if to_weights else None,
            None,
            None,
        )


class _WeightGradient(Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, gradient: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(maps, gradient)
        ctx.stride = stride
        return _weight_gradient(maps, gradient, stride)

    @staticmethod
    def backward(ctx: Any, weights: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        maps, gradient = ctx.saved_tensors
        to_maps, to_gradient, _ = ctx.needs_input_grad
        return (
            _InputGradient.apply(gradient, weights, maps.shape, ctx.stride) if to_maps else None,
            _Forward.apply(maps, weights, ctx.stride) if to_gradient else None,
            None,
        )


def _forward(maps: Tensor, weights: Tensor, stride: int) -> Tensor:
    if _as_product(maps, stride):
        t, b, _, h, w = maps.shape
        products = torch.bmm(patches(maps), matrix(weights).mT)
        return products.view(t, b, h, w, -1).permute(0, 1, 4, 2, 3)
    return stack(
        F.conv2d(channels_last_2d(x), w, stride=stride, padding=1)
        for x, w in zip(maps, weights, strict=True)
    )


def _input_gradient(gradient: Tensor, weights: Tensor, shape: torch.Size, stride: int) -> Tensor:
    if _as_product(gradient, stride):
        # The same product with the filters turned by half a circle, inputs and outputs swapped.
        turned = weights.flip((3, 4)).permute(0, 3, 4, 1, 2)
        t, _, c, h, w = (len(gradient), *shape[1:])
        products = torch.bmm(patches(gradient), turned.reshape(t, -1, c))
        return products.view(t, -1, h, w, c).permute(0, 1, 4, 2, 3)
    like = gradient.new_empty(1).expand(shape[1:])
    return stack(
        _kernel_gradients(channels_last_2d(g), like, w, stride, to_maps=True)
        for g, w in zip(gradient, weights, strict=True)
    )


def _weight_gradient(maps: Tensor, gradient: Tensor, stride: int) -> Tensor:
    outputs, inputs = gradient.shape[2], maps.shape[2]
    if _as_product(maps, stride):
        rows = gradient.permute(0, 1, 3, 4, 2).reshape(len(maps), -1, outputs)
        product = torch.bmm(rows.mT, patches(maps))
        return product.view(-1, outputs, 3, 3, inputs).permute(0, 1, 4, 2, 3)
    like = channels_last_2d(maps.new_empty(outputs, inputs, 3, 3))
    return stack(
        _kernel_gradients(channels_last_2d(g), x, like, stride, to_maps=False)
        for g, x in zip(gradient, maps, strict=True)
    )


def _kernel_gradients(
    gradient: Tensor, maps: Tensor, weights: Tensor, stride: int, *, to_maps: bool
) -> Tensor:
    """Returns one task's gradient with respect to maps or weights; the other is only its shape."""
    both = torch.ops.aten.convolution_backward(
        gradient,
        maps,
        weights,
        None,
        [stride, stride],
        [1, 1],
        [1, 1],
        False,
        [0, 0],
        1,
        [to_maps, not to_maps, False],
    )
    result: Tensor = both[0] if to_maps else both[1]
    return result


def patches(maps: Tensor) -> Tensor:
    """Returns the 3x3 patches, padded by one, of each pixel: (t, b*h*w, 9c)."""
    t, b, c, h, w = maps.shape
    padded = F.pad(maps.permute(0, 1, 3, 4, 2), (0, 0, 1, 1, 1, 1))
    task, image, row, column, channel = padded.stride()
    windows = padded.as_strided(
        (t, b, h, w, 3, 3, c), (task, image, row, column, row, column, channel)
    )
    return windows.reshape(t, b * h * w, 9 * c)


def matrix(weights: Tensor) -> Tensor:
    """Returns weights (t, o, c, 3, 3) as matrices (t, o, 9c), in the order of `patches`."""
    return weights.permute(0, 1, 3, 4, 2).reshape(*weights.shape[:2], -1)


def _as_product(maps: Tensor, stride: int) -> bool:
    return stride == 1 and maps.shape[3] <= SMALL


def stack(results: Iterable[Tensor]) -> Tensor:
    """Returns the tasks' results, stacked, channels last."""
    stacked = torch.stack([r.permute(0, 2, 3, 1) for r in results])
    return stacked.permute(0, 1, 4, 2, 3)


def channels_last_2d(maps: Tensor) -> Tensor:
    """Returns (b, c, h, w) in channels-last memory order."""
    return maps.contiguous(memory_format=torch.channels_last)

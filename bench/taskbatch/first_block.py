"""The first block of a network on images, with batch norm folded into the convolution.

The inputs x are data, so the 3x3 patches p of the batch have a fixed mean m and covariance S. The
convolution with filter w is z = w.p; over the batch its mean is w.m and its variance w.S.w, without
computing z. Hence, with a = gamma / sqrt(w.S.w + eps),

    batch_norm(z) = gamma (z - w.m) / sqrt(w.S.w + eps) + beta = (a w).p + (beta - a w.m)

is a convolution with other weights and a constant, which passes through the maximum: the largest
map of the network needs one matrix product and one pooling, and derivatives of any order follow
from the small terms. S has 9c rows; the images have few channels.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from bench.taskbatch.convolution import matrix, stack
from bench.taskbatch.pooling import gather, unpool


def first_block(images: Tensor, weights: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """Returns max_pool(batch_norm(convolution)), before ReLU, of images (t, b, c, h, w).

    Weights are (t, o, c, 3, 3), gamma and beta (t, o); statistics are those of each task.
    """
    _, b, _, h, w = images.shape
    columns = _patch_columns(images)
    mean = columns.mean(2, keepdim=True)
    centred = columns - mean
    covariance = centred @ centred.mT / columns.shape[2]
    filters = matrix(weights)  # (t, o, 9c)
    variance = (filters @ covariance * filters).sum(-1)
    scaled = filters * (gamma * torch.rsqrt(variance + eps)).unsqueeze(-1)
    pooled: Tensor = _Pooled.apply(columns, scaled, (b, h, w))
    constant = beta - (scaled @ mean).squeeze(-1)
    return pooled + constant[:, None, :, None, None]


def _patch_columns(images: Tensor) -> Tensor:
    """Returns the 3x3 patches, padded by one, as columns: (t, 9c, b*h*w), rows as in `matrix`."""
    t, b, c, h, w = images.shape
    padded = F.pad(images.permute(0, 1, 3, 4, 2), (0, 0, 1, 1, 1, 1))
    task, image, row, column, channel = padded.stride()
    windows = padded.as_strided(
        (t, 3, 3, c, b, h, w), (task, row, column, channel, image, row, column)
    )
    return windows.reshape(t, 9 * c, b * h * w)


class _Pooled(Function):
    """The 2x2-pooled products of patches (t, 9c, b*h*w) and filters (t, o, 9c).

    Task by task: one task's full-size map fits the processor's cache, those of all tasks do not.
    The patches are data and get no gradient.
    """

    @staticmethod
    def forward(ctx: Any, columns: Tensor, filters: Tensor, size: tuple[int, int, int]) -> Tensor:
        picked, places = [], []
        for patches, kernel in zip(columns, filters, strict=True):
            maps = (patches.T @ kernel.T).view(*size, -1).permute(0, 3, 1, 2)
            values, at = torch.ops.aten.max_pool2d_with_indices(maps, [2, 2], [2, 2])
            picked.append(values)
            places.append(at)
        ctx.save_for_backward(columns, *places)
        ctx.size = size
        return stack(picked)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None]:
        columns, *places = ctx.saved_tensors
        return None, _FilterGradient.apply(gradient, columns, ctx.size, *places), None


class _FilterGradient(Function):
    """The gradient of `_Pooled` for its filters, (t, o, 9c); linear in what arrives."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, columns: Tensor, size: tuple[int, int, int], *places: Tensor
    ) -> Tensor:
        ctx.save_for_backward(columns, *places)
        ctx.size = size
        return torch.stack(
            [
                (patches @ unpool(g, at, size[1:]).permute(0, 2, 3, 1).flatten(0, 2)).T
                for g, patches, at in zip(gradient, columns, places, strict=True)
            ]
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, filters: Tensor) -> tuple[Tensor | None, ...]:
        columns, *places = ctx.saved_tensors
        picked = [
            gather((patches.T @ kernel.T).view(*ctx.size, -1).permute(0, 3, 1, 2), at)
            for patches, kernel, at in zip(columns, filters, places, strict=True)
        ]
        return stack(picked), None, None, *(None for _ in places)

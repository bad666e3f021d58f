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
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from bench.taskbatch.convolution import matrix, patches, stack
from bench.taskbatch.pooling import gather, unpool


def first_block(images: Tensor, weights: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """Returns max_pool(batch_norm(convolution)), before ReLU, of images (t, b, c, h, w).

    Weights are (t, o, c, 3, 3), gamma and beta (t, o); statistics are those of each task.
    """
    _, b, _, h, w = images.shape
    rows = patches(images)  # (t, b*h*w, 9c)
    mean = rows.mean(1, keepdim=True)
    centred = rows - mean
    covariance = centred.mT @ centred / rows.shape[1]
    filters = matrix(weights)  # (t, o, 9c)
    variance = (filters @ covariance * filters).sum(-1)
    scaled = filters * (gamma * torch.rsqrt(variance + eps)).unsqueeze(-1)
    pooled: Tensor = _Pooled.apply(rows, scaled, (b, h, w))
    constant = beta - (scaled @ mean.mT).squeeze(-1)
    return pooled + constant[:, None, :, None, None]


class _Pooled(Function):
    """The 2x2-pooled products of patches (t, b*h*w, 9c) and filters (t, o, 9c).

    Task by task: one task's full-size map fits the processor's cache, those of all tasks do not.
    The patches are data and get no gradient.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, filters: Tensor, size: tuple[int, int, int]) -> Tensor:
        picked, places = [], []
        for task_rows, task_filters in zip(rows, filters, strict=True):
            maps = (task_rows @ task_filters.T).view(*size, -1).permute(0, 3, 1, 2)
            values, at = torch.ops.aten.max_pool2d_with_indices(maps, [2, 2], [2, 2])
            picked.append(values)
            places.append(at)
        ctx.save_for_backward(rows, *places)
        ctx.size = size
        return stack(picked)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None]:
        rows, *places = ctx.saved_tensors
        return None, _FilterGradient.apply(gradient, rows, ctx.size, *places), None


class _FilterGradient(Function):
    """The gradient of `_Pooled` for its filters, (t, o, 9c); linear in what arrives."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, rows: Tensor, size: tuple[int, int, int], *places: Tensor
    ) -> Tensor:
        ctx.save_for_backward(rows, *places)
        ctx.size = size
        return torch.stack(
            [
                (task_rows.T @ unpool(g, at, size[1:]).permute(0, 2, 3, 1).flatten(0, 2)).T
                for g, task_rows, at in zip(gradient, rows, places, strict=True)
            ]
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, filters: Tensor) -> tuple[Tensor | None, ...]:
        rows, *places = ctx.saved_tensors
        picked = [
            gather((task_rows @ task_filters.T).view(*ctx.size, -1).permute(0, 3, 1, 2), at)
            for task_rows, task_filters, at in zip(rows, filters, places, strict=True)
        ]
        return stack(picked), None, None, *(None for _ in places)

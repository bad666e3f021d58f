"""Batch normalisation of many tasks, each by its own statistics, with a closed second derivative.

With x one channel of one task, N values, m and v their mean and variance, r = 1/sqrt(v + eps) and
z = r(x - m), the layer is y = gamma z + beta, and with g the gradient of y its backward pass is

    dx = gamma r P(g)      dgamma = sum(g z)      dbeta = sum(g)
    P(g) = g - mean(g) - z mean(g z)

(P is the derivative of the standardisation but for the factor r.) MAML differentiates this pass
again. Let h, u, v be the gradients that arrive for dx, dgamma and dbeta, G = gamma g, and
L = <h, dx> + u dgamma + v dbeta. L depends on g, gamma, and, through z and r, on x:

    dL/dg     = gamma r P(h) + u z + v
    dL/dgamma = r Q          with Q = sum(h g) - N mean(h) mean(g) - N mean(h z) mean(g z)
    dL/dz     = u g - r (h mean(G z) + G mean(h z))  =: e
    dL/dr     = gamma Q
    dL/dx     = r P(e) - gamma Q r^2 z / N

because dr/dx = -r^2 z / N. As P(e) is a combination of h, g, z and a constant with one coefficient
per channel, the whole needs one ordinary backward kernel for h, one sum for <h, g>, and one pass;
automatic differentiation of the same layer takes about twenty.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from bench.taskbatch.convolution import channels_last_2d


def batch_norm(maps: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    """Normalises maps (t, b, c, h, w) over b, h and w; gamma and beta are (t, c)."""
    result: Tensor = _Forward.apply(maps, gamma, beta, eps)
    return result


class _Forward(Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
        outputs = torch.empty_like(maps)
        means, scales = torch.empty_like(gamma), torch.empty_like(gamma)
        for i, task in enumerate(maps):
            output, means[i], scales[i] = torch.native_batch_norm(
                channels_last_2d(task), gamma[i], beta[i], None, None, True, 0.0, eps
            )
            outputs[i] = output
        ctx.save_for_backward(maps, gamma, means, scales)
        return outputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        maps, gamma, means, scales = ctx.saved_tensors
        return (*_Backward.apply(gradient, maps, gamma, means, scales), None)


class _Backward(Function):
    """The backward pass; means and scales are functions of the maps, taken care of in x."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, maps: Tensor, gamma: Tensor, means: Tensor, scales: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        to_maps, to_gamma, to_beta = _kernel(gradient, maps, gamma, means, scales)
        ctx.save_for_backward(gradient, maps, gamma, means, scales, to_gamma, to_beta)
        return to_maps, to_gamma, to_beta

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, h: Tensor, u: Tensor, v: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, None, None]:
        g, maps, gamma, means, r, sum_gz, sum_g = ctx.saved_tensors
        count = maps[0, :, 0].numel()
        mean_g, mean_gz = sum_g / count, sum_gz / count
        through, sum_hz, sum_h = _kernel(h, maps, gamma, means, r)
        mean_h, mean_hz = sum_h / count, sum_hz / count
        q = (h * g).sum((1, 3, 4)) - count * (mean_h * mean_g + mean_hz * mean_gz)
        # e = on_g g + on_h h; its mean, and its mean times z, follow from the sums above.
        on_g, on_h = u - r * gamma * mean_hz, -r * gamma * mean_gz
        mean_e = on_g * mean_g + on_h * mean_h
        mean_ez = on_g * mean_gz + on_h * mean_hz
        on_z = -r * mean_ez - gamma * q * r.square() / count
        to_maps = _combine(
            (r * on_g, g), (r * on_h, h), (on_z * r, maps), -r * mean_e - on_z * r * means
        )
        to_gradient = through.add_(_combine((u * r, maps), v - u * r * means))
        return to_gradient, to_maps, r * q, None, None


def _kernel(
    gradient: Tensor, maps: Tensor, gamma: Tensor, means: Tensor, scales: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the ordinary backward pass of every task: to maps, gamma and beta."""
    to_maps = torch.empty_like(maps)
    to_gamma, to_beta = torch.empty_like(gamma), torch.empty_like(gamma)
    for i in range(len(maps)):
        to_maps[i], to_gamma[i], to_beta[i] = torch.ops.aten.native_batch_norm_backward(
            channels_last_2d(gradient[i]),
            channels_last_2d(maps[i]),
            gamma[i],
            None,
            None,
            means[i],
            scales[i],
            True,
            0.0,
            [True, True, True],
        )
    return to_maps, to_gamma, to_beta


def _combine(*terms: tuple[Tensor, Tensor] | Tensor) -> Tensor:
    """Returns the sum of factor (t, c) times maps over all pairs, plus the last term (t, c)."""
    total: Tensor | None = None
    *products, constant = terms
    for factor, maps in products:
        spread = _spread(factor)
        if total is None:
            total = torch.addcmul(_spread(constant), spread, maps)  # type: ignore[arg-type]
        else:
            total.addcmul_(spread, maps)
    assert total is not None
    return total


def _spread(values: Tensor) -> Tensor:
    return values[:, None, :, None, None]

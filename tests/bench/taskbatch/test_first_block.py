"""The folded first block: against convolution, batch norm and pooling one after the other."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.taskbatch.first_block import first_block

EPS = 0.1


def operands(channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns images (2, 3, c, 5, 4), weights (2, 4, c, 3, 3), gamma and beta (2, 4)."""
    generator = torch.Generator().manual_seed(channels)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return (
        random(2, 3, channels, 5, 4) + 2,
        random(2, 4, channels, 3, 3),
        random(2, 4),
        random(2, 4),
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_folding_changes_nothing(channels: int) -> None:
    images, weights, gamma, beta = operands(channels)
    expected = []
    for image, w, g, b in zip(images, weights, gamma, beta, strict=True):
        maps = F.batch_norm(F.conv2d(image, w, padding=1), None, None, g, b, training=True, eps=EPS)
        expected.append(F.max_pool2d(maps, 2))
    folded = first_block(images, weights, gamma, beta, EPS)
    torch.testing.assert_close(folded, torch.stack(expected))


@pytest.mark.parametrize("channels", [1, 3])
def test_first_and_second_derivatives_are_those_of_finite_differences(channels: int) -> None:
    images, *weights = operands(channels)

    def folded(w: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return first_block(images, w, gamma, beta, EPS)

    inputs = tuple(tensor.requires_grad_() for tensor in weights)
    assert torch.autograd.gradcheck(folded, inputs)
    assert torch.autograd.gradgradcheck(folded, inputs)

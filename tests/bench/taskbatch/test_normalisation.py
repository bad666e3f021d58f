"""Task-batched batch norm: against torch's own, and its derivatives by finite differences."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.taskbatch.normalisation import batch_norm

EPS = 0.1  # large, so that a misplaced one would show


def operands() -> tuple[Tensor, Tensor, Tensor]:
    """Returns maps (2, 3, 2, 2, 3), gamma and beta (2, 2)."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 3, 2, 2, 3, generator=generator, dtype=torch.float64) * 2 + 1
    gamma = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    beta = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    return maps, gamma, beta


def test_a_channel_is_normalised_over_the_images_and_pixels_of_its_task() -> None:
    maps = torch.tensor([1.0, 3.0, 5.0, 11.0]).view(2, 2, 1, 1, 1)  # two tasks of two pixels
    gamma, beta = torch.tensor([[2.0], [1.0]]), torch.tensor([[0.5], [0.0]])
    normalised = batch_norm(maps, gamma, beta, 0.0)
    expected = torch.tensor([-1.5, 2.5, -1.0, 1.0])  # means 2 and 8, deviations 1 and 3
    torch.testing.assert_close(normalised.flatten(), expected)


def test_each_task_equals_torchs_batch_norm() -> None:
    maps, gamma, beta = operands()
    expected = [
        F.batch_norm(m, None, None, g, b, training=True, eps=EPS)
        for m, g, b in zip(maps, gamma, beta, strict=True)
    ]
    torch.testing.assert_close(batch_norm(maps, gamma, beta, EPS), torch.stack(expected))


def test_first_and_second_derivatives_are_those_of_finite_differences() -> None:
    inputs = tuple(tensor.requires_grad_() for tensor in operands())

    def normalised(maps: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return batch_norm(maps, gamma, beta, EPS)

    assert torch.autograd.gradcheck(normalised, inputs)
    assert torch.autograd.gradgradcheck(normalised, inputs)

"""Task-batched convolution: against torch's own, and its derivatives by finite differences."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.taskbatch import convolution
from bench.taskbatch.convolution import channels_last, convolve, patches


def random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def operands(size: int) -> tuple[Tensor, Tensor]:
    """Returns maps (2, 3, 2, size, size+1) and weights (2, 4, 2, 3, 3)."""
    return random(2, 3, 2, size, size + 1), random(2, 4, 2, 3, 3, seed=1)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_each_task_is_convolved_with_its_own_weights(size: int, stride: int) -> None:
    maps, weights = operands(size)
    expected = [
        F.conv2d(m, w, stride=stride, padding=1) for m, w in zip(maps, weights, strict=True)
    ]
    torch.testing.assert_close(convolve(maps, weights, stride), torch.stack(expected))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [2, 6])
def test_first_and_second_derivatives_are_those_of_finite_differences(
    size: int, stride: int
) -> None:
    maps, weights = operands(size)
    inputs = (maps.requires_grad_(), weights.requires_grad_())

    def convolved(m: Tensor, w: Tensor) -> Tensor:
        return convolve(m, w, stride)

    assert torch.autograd.gradcheck(convolved, inputs)
    assert torch.autograd.gradgradcheck(convolved, inputs)


def test_the_product_and_the_kernels_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    maps, weights = operands(3)
    answers = []
    for small in (0, 100):
        monkeypatch.setattr(convolution, "SMALL", small)
        m, w = maps.clone().requires_grad_(), weights.clone().requires_grad_()
        output = convolve(m, w, 1)
        gradients = torch.autograd.grad(output.square().sum(), (m, w), create_graph=True)
        total = torch.stack([g.square().sum() for g in gradients]).sum()
        answers.append([output, *gradients, *torch.autograd.grad(total, (m, w))])
    for one, other in zip(*answers, strict=True):
        torch.testing.assert_close(one, other)


def test_patches_are_the_pixels_around_each_pixel() -> None:
    image = torch.arange(6.0).view(1, 1, 1, 2, 3)  # 0 1 2 / 3 4 5
    rows = patches(image)
    assert rows.shape == (1, 6, 9)
    assert rows[0, 0].tolist() == [0, 0, 0, 0, 0, 1, 0, 3, 4]
    assert rows[0, 4].tolist() == [0, 1, 2, 3, 4, 5, 0, 0, 0]


def test_channels_last_changes_the_memory_and_not_the_values() -> None:
    maps = random(2, 3, 4, 5, 6)
    turned = channels_last(maps)
    assert torch.equal(turned, maps)
    assert turned.permute(0, 1, 3, 4, 2).is_contiguous()

"""Task-batched max-pooling: values and derivatives against torch's own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.taskbatch.convolution import channels_last
from bench.taskbatch.pooling import gather, max_pool, unpool


def maps() -> Tensor:
    """Returns distinct values (2, 3, 2, 5, 4), so that each maximum has a slope."""
    order = torch.randperm(240, generator=torch.Generator().manual_seed(0))
    return channels_last(order.double().view(2, 3, 2, 5, 4) / 10)


def test_each_square_gives_its_maximum_and_an_odd_row_is_left_out() -> None:
    image = torch.tensor([[1.0, 2.0], [4.0, 3.0], [9.0, 9.0]]).view(1, 1, 1, 3, 2)
    assert max_pool(image).flatten().tolist() == [4.0]
    pooled = F.max_pool2d(maps().flatten(0, 1), 2).unflatten(0, (2, 3))  # type: ignore[no-untyped-call]
    assert torch.equal(max_pool(maps()), pooled)


def test_first_and_second_derivatives_are_those_of_finite_differences() -> None:
    inputs = maps().requires_grad_()
    assert torch.autograd.gradcheck(max_pool, inputs)
    assert torch.autograd.gradgradcheck(max_pool, inputs)


def test_of_equal_pixels_the_first_gets_the_gradient_as_in_torch() -> None:
    image = torch.ones(1, 1, 1, 2, 2, requires_grad=True)
    (slope,) = torch.autograd.grad(max_pool(image).sum(), image)
    assert slope.flatten().tolist() == [1, 0, 0, 0]


def test_gather_takes_from_where_unpool_puts() -> None:
    images = maps().flatten(0, 1)
    values, places = F.max_pool2d(images, 2, return_indices=True)
    assert torch.equal(gather(images, places), values)
    put = unpool(values, places, (5, 4))
    assert torch.equal(gather(put, places), values)
    assert (put != 0).sum() <= values.numel()

"""Gathering: the values of the plain way, and no memory taken from whoever holds it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench import gathering
from bench.gathering import HostRows, Lender, ResidentRows, Rows, SentRows, rows_for
from bench.pool import ClassPool

CPU = torch.device("cpu")


def images(count: int = 10, side: int = 400) -> NDArray[np.uint8]:
    """Returns images so large that few fit in a chunk."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, size=(count, 1, side, side), dtype=np.uint8)


def plainly(inputs: NDArray[np.uint8] | NDArray[np.float32], rows: NDArray[np.int64]) -> Tensor:
    return ClassPool("f", "train", ("a",), np.array([0, len(inputs)]), inputs).gather(rows, CPU)


WAYS: dict[str, Callable[[NDArray[np.uint8] | NDArray[np.float32]], Rows]] = {
    "host": lambda inputs: HostRows(inputs, Lender()),
    "resident": lambda inputs: ResidentRows(inputs, CPU),
    "sent": lambda inputs: SentRows(HostRows(inputs, Lender()), CPU),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["bytes", "features", "memory-mapped"])
def test_every_way_gives_the_bits_of_the_plain_one(way: str, kind: str, tmp_path: Path) -> None:
    inputs: NDArray[np.uint8] | NDArray[np.float32] = images()
    if kind == "features":
        inputs = np.random.default_rng(1).normal(size=(10, 3)).astype(np.float32)
    if kind == "memory-mapped":
        inputs.tofile(tmp_path / "inputs")
        inputs = np.memmap(tmp_path / "inputs", dtype=np.uint8, mode="r", shape=inputs.shape)
    before = np.array(inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = WAYS[way](inputs)
        for rows in (np.array([[3, 0, 9], [9, 2, 2]]), np.arange(10)[::-1], np.array([4])):
            values = source.gather(rows)
            assert values.dtype is torch.float32
            assert torch.equal(values, plainly(inputs, rows))
            values.mul_(7)
    np.testing.assert_array_equal(inputs, before)


def test_memory_that_nobody_holds_is_lent_again() -> None:
    lender = Lender()
    first = lender.lend(3, 5)
    place = first.data_ptr()
    del first
    assert lender.lend(15).data_ptr() == place
    assert lender.lend(2, 7).data_ptr() == place, "a smaller loan may use the same memory"


HOLDERS: dict[str, Callable[[Tensor], object]] = {
    "itself": lambda values: values,
    "a view": lambda values: values[1:2, 3],
    "a view without its history": lambda values: values.flatten().detach()[-1:],
    "a NumPy view": lambda values: values[0].numpy(),
    "a storage": lambda values: values.untyped_storage(),
    "a parameter": lambda values: torch.nn.Parameter(values),
    "a graph of autograd": lambda values: (torch.ones(5, requires_grad=True) * values).sum(),
    "a capsule of DLPack": lambda values: values.__dlpack__(),
    "an array by the buffer protocol": lambda values: memoryview(values.numpy().data)[1:],
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_memory_that_somebody_holds_is_not_lent_until_it_is_let_go(holder: str) -> None:
    lender = Lender(keep=1)
    values = lender.lend(3, 5).fill_(1.0)
    place = values.data_ptr()
    held = HOLDERS[holder](values)
    del values
    for _ in range(3):
        assert lender.lend(3, 5).data_ptr() != place
    del held
    assert lender.lend(3, 5).data_ptr() == place


def test_a_graph_keeps_its_values_while_more_is_lent() -> None:
    lender = Lender()
    weight = torch.ones(4, requires_grad=True)
    losses = []
    for number in range(6):
        losses.append((weight * lender.lend(4).fill_(float(number))).sum())
    for number, loss in enumerate(losses):
        (slope,) = torch.autograd.grad(loss, weight)
        assert slope.tolist() == [float(number)] * 4


def test_any_number_of_loans_can_be_held_at_once() -> None:
    lender = Lender(keep=2)
    held = [lender.lend(8).fill_(float(number)) for number in range(7)]
    assert len({values.data_ptr() for values in held}) == 7
    for number, values in enumerate(held):
        assert (values == number).all()


def test_a_larger_loan_takes_the_place_of_a_smaller_block() -> None:
    lender = Lender(keep=1)
    lender.lend(4)
    large = lender.lend(400).fill_(2.0)
    small = lender.lend(4).fill_(1.0)
    assert (large == 2).all()
    place = large.data_ptr()
    del large, small
    assert lender.lend(4).data_ptr() == place


def test_the_processor_itself_gathers_from_the_host() -> None:
    assert isinstance(rows_for(images(2, 8), CPU), HostRows)


@pytest.mark.parametrize(("free", "stays"), [(4 * 128, True), (4 * 128 - 4, False)])
def test_a_gpu_holds_the_pool_if_it_takes_a_quarter_of_what_is_free(
    free: int, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10 * free))
    monkeypatch.setattr(gathering, "ResidentRows", lambda inputs, device: "resident")
    chosen = rows_for(images(2, 8), torch.device("cuda"))
    assert (chosen == "resident") is stays  # type: ignore[comparison-overlap]  # a stand-in
    assert isinstance(chosen, SentRows) is not stays

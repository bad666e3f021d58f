"""Gathering: rows of a pool, as float32, into memory that is warm.

A batch of episodes is tens of megabytes, and fresh memory costs more than what is written to it:
every page is faulted in and cleared first. So the memory of a batch is used again, as soon as no
tensor refers to it.
"""

from __future__ import annotations

import math
import weakref
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_CHUNK_BYTES = 2 << 20
_SHARE_OF_DEVICE = 4


class Rows(Protocol):
    """Inputs that can be asked for by row."""

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        """Returns the inputs at `rows` (any shape) as float32 (*rows.shape, ...)."""
        ...


class Lender:
    """Memory for float32 tensors, lent out again when the last tensor that lies on it has gone.

    A tensor made by `torch.from_numpy` keeps its array alive for as long as its storage lives,
    and a storage lives for as long as anything refers to it: a view, a NumPy view, a graph of
    autograd. So each loan is an array object of its own, and memory is free exactly when the
    array of its last loan is dead. What somebody still holds is never written to. One thread.

    Args:
        keep: how many blocks to keep; beyond these, memory is newly allocated.
    """

    def __init__(self, keep: int = 2) -> None:
        self._keep = keep
        self._blocks: list[NDArray[np.float32]] = []
        self._loans: list[weakref.ref[NDArray[np.float32]]] = []

    def lend(self, *shape: int) -> Tensor:
        """Returns a float32 tensor of this shape, its values undefined."""
        size = math.prod(shape)
        place = self._free_place(size)
        if place is None:
            return torch.empty(shape)
        loan = self._blocks[place][:size]  # a new object, which dies with the storage made of it
        self._loans[place] = weakref.ref(loan)
        return torch.from_numpy(loan).view(shape)

    def _free_place(self, size: int) -> int | None:
        """Returns where a free block of at least `size` numbers is, made if there is room."""
        free = [place for place, loan in enumerate(self._loans) if loan() is None]
        for place in free:
            if len(self._blocks[place]) >= size:
                return place
        if not free and len(self._blocks) == self._keep:
            return None
        if free:  # too small: it makes room for a larger one
            del self._blocks[free[0]], self._loans[free[0]]
        block = torch.empty(size).numpy()  # torch's memory is aligned as its kernels like it
        self._blocks.append(block)
        self._loans.append(weakref.ref(block[:0]))  # of an array that is dead already
        return len(self._blocks) - 1


class HostRows:
    """Inputs in the host's memory, or memory-mapped; bytes are scaled to [0, 1].

    Bytes go through a scratch buffer, in chunks that stay in the cache from copy to scaling.
    """

    def __init__(self, inputs: NDArray[np.uint8] | NDArray[np.float32], lender: Lender) -> None:
        self._shape = inputs.shape[1:]
        self._inputs = inputs.reshape(len(inputs), -1)
        self._lender = lender
        width = self._inputs.shape[1]
        self._step = max(1, _CHUNK_BYTES // (4 * width))
        self._scratch = torch.empty(self._step, width, dtype=torch.uint8)

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        """Returns the inputs at `rows` (any shape) as float32 (*rows.shape, ...)."""
        values = self._lender.lend(rows.size, self._inputs.shape[1])
        flat = np.ascontiguousarray(rows).reshape(-1)
        if self._inputs.dtype != np.uint8:
            self._take(flat, values)
        else:
            for start in range(0, len(flat), self._step):
                part = values[start : start + self._step]
                scratch = self._scratch[: len(part)]
                self._take(flat[start : start + self._step], scratch)
                part.copy_(scratch).mul_(1 / 255)
        return values.view(*rows.shape, *self._shape)

    def _take(self, rows: NDArray[np.int64], out: Tensor) -> None:
        # Rows are the sampler's, all of the pool; with mode="raise" NumPy would write elsewhere
        # first and then copy.
        np.take(self._inputs, rows, axis=0, out=out.numpy(), mode="clip")


class ResidentRows:
    """Inputs held by the device as they are stored, and gathered there."""

    def __init__(
        self, inputs: NDArray[np.uint8] | NDArray[np.float32], device: torch.device
    ) -> None:
        self._inputs = torch.tensor(inputs, device=device)

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        """Returns the inputs at `rows` (any shape) as float32 (*rows.shape, ...)."""
        wanted = torch.from_numpy(np.ascontiguousarray(rows)).to(self._inputs.device)
        values = self._inputs[wanted]
        if values.dtype is torch.uint8:
            return values.to(torch.float32).mul_(1 / 255)
        return values


class SentRows:
    """Inputs of the host, each batch sent to a device that has no room for all of them."""

    def __init__(self, host: HostRows, device: torch.device) -> None:
        self._host, self._device = host, device

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        """Returns the inputs at `rows` (any shape) as float32 (*rows.shape, ...)."""
        return self._host.gather(rows).to(self._device)


def rows_for(inputs: NDArray[np.uint8] | NDArray[np.float32], device: torch.device) -> Rows:
    """Returns the fastest way to gather rows of `inputs` (rows, ...) for `device`."""
    host = HostRows(inputs, Lender())
    if device.type == "cpu":
        return host
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if inputs.nbytes <= free // _SHARE_OF_DEVICE:
            return ResidentRows(inputs, device)
    return SentRows(host, device)

"""A trial: an algorithm in one precision, so that what differs is not for rounding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.algorithm import Algorithm, Predictor
from bench.episodes import Episode, Examples
from bench.pool import EpisodeStream
from bench.seeds import seed_torch


@dataclass(frozen=True)
class Trial:
    """An algorithm in one precision, and the relative difference that rounding may make."""

    algorithm: Algorithm
    dtype: torch.dtype
    tolerance: float

    def adapt(self, support: Examples, seed: int = 0) -> Predictor:
        """Adapts to a copy of the support and returns a predictor on copies of queries.

        `seed` is that of the predictor; adapting always has the same.
        """
        with self.precision():
            seed_torch(0, "check", "adapt")
            known = Examples(self._own(support.inputs), self._own(support.targets), support.n_way)
            predict = self.algorithm.adapt(known)

        def answer(query: Tensor) -> Tensor:
            with self.precision(), torch.no_grad():
                seed_torch(seed, "check", "predict")
                return predict(self._own(query)).detach()

        return answer

    def answer(self, episode: Episode) -> Tensor:
        """Returns the predictions (m, ...) for an episode's queries."""
        return self.adapt(episode.support)(episode.query.inputs)

    def stream(self, stream: EpisodeStream) -> EpisodeStream:
        """Returns the same stream in this trial's precision."""
        if self.dtype is torch.float32:
            return stream
        return _DoubleStream(stream.pool, stream.protocol, stream.name.seed, stream.device)

    def same(self, one: Tensor, other: Tensor) -> bool:
        """Tells whether predictions differ by no more than rounding explains."""
        return gap(one, other) <= self.tolerance

    def _own(self, values: Tensor) -> Tensor:
        values = values.clone()
        return values.to(self.dtype) if values.is_floating_point() else values

    def precision(self) -> AbstractContextManager[None]:
        """Makes this trial's precision the one in which new tensors are made."""
        return _precision(self.dtype)


@contextmanager
def _precision(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def in_double(algorithm: Algorithm) -> Trial:
    """Returns an algorithm, which is changed, in double precision."""
    return Trial(algorithm.double(), torch.float64, 1e-6)


class _DoubleStream(EpisodeStream):
    """A stream whose inputs, and values to predict, are in double precision."""

    def gather(self, rows: NDArray[np.int64]) -> Tensor:
        with _precision(torch.float32):
            return super().gather(rows).double()

    def targets(self, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> Tensor:
        targets = super().targets(rows, labels)
        return targets.double() if targets.is_floating_point() else targets


def gap(one: Tensor, other: Tensor) -> float:
    """Returns the largest difference, relative to the largest number; inf if not comparable."""
    if one.shape != other.shape or not bool(torch.isfinite(one - other).all()):
        return math.inf
    scale = max(one.abs().max().item(), other.abs().max().item(), 1e-30)
    return (one - other).abs().max().item() / scale


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """Returns copies of all parameters and buffers, those that are not saved included."""
    named = (*module.named_parameters(), *module.named_buffers())
    return {name: tensor.detach().clone() for name, tensor in named}


def changed(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[str]:
    """Returns the names of what appeared, vanished or has another value."""

    def differs(name: str) -> bool:
        if name not in before or name not in after:
            return True
        one, other = before[name], after[name]
        return one.shape != other.shape or not torch.equal(one.nan_to_num(), other.nan_to_num())

    return sorted(name for name in {**before, **after} if differs(name))

"""Episodes: the data that passes between sampler, algorithm and evaluation.

Shape letters, the same everywhere: n ways, k shots, q queries per class, s = n*k support
examples, m = n*q query examples, d features, t tasks, `...` the shape of one input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Examples:
    """Examples of one task with what is known of them: inputs (s, ...) and targets.

    In classification targets are labels 0..n_way-1, (s,); in regression float values (s, d), and
    n_way is 1. Examples of t tasks at once have a leading axis on both.
    """

    inputs: Tensor
    targets: Tensor
    n_way: int

    def __len__(self) -> int:
        return self.targets.shape[self._axis]

    @property
    def _axis(self) -> int:
        """The axis of `targets` that counts examples."""
        return self.targets.ndim - (2 if self.targets.is_floating_point() else 1)

    def class_means(self) -> Tensor:
        """Returns the mean of the features of each class, (..., n, d), from inputs (..., s, d)."""
        labels = self.targets.new_tensor(range(self.n_way))
        member = (self.targets.unsqueeze(-1) == labels).to(self.inputs.dtype)  # (..., s, n)
        return member.mT @ self.inputs / member.sum(-2).unsqueeze(-1)

    def at(self, places: Tensor) -> Examples:
        """Returns the examples at these places (b,), the same ones of every task."""
        inputs = self.inputs.index_select(self._axis, places)
        return Examples(inputs, self.targets.index_select(self._axis, places), self.n_way)

    def to(self, device: torch.device) -> Examples:
        """Returns the same examples on `device`."""
        return Examples(self.inputs.to(device), self.targets.to(device), self.n_way)


@dataclass(frozen=True)
class Episode:
    """One task: support (s, ...), query (m, ...), and the pool's class behind each label (n,)."""

    support: Examples
    query: Examples
    classes: Tensor

    def to(self, device: torch.device) -> Episode:
        """Returns the same episode on `device`."""
        return Episode(self.support.to(device), self.query.to(device), self.classes.to(device))


@dataclass(frozen=True)
class EpisodeBatch:
    """t tasks of one protocol: inputs (t, s+m, ...), each task's support first, and targets.

    Shapes: support_targets (t, s), query_targets (t, m), classes (t, n); in regression targets
    have a last axis d.
    """

    inputs: Tensor
    support_targets: Tensor
    query_targets: Tensor
    classes: Tensor

    def episodes(self) -> list[Episode]:
        """Returns the tasks one by one, as views of the batch."""
        ways, cut = self.classes.shape[1], self.support_targets.shape[1]
        support = zip(self.inputs[:, :cut].unbind(), self.support_targets.unbind(), strict=True)
        query = zip(self.inputs[:, cut:].unbind(), self.query_targets.unbind(), strict=True)
        return [
            Episode(Examples(*known, ways), Examples(*asked, ways), classes)
            for known, asked, classes in zip(support, query, self.classes.unbind(), strict=True)
        ]


@dataclass(frozen=True)
class EpisodeProtocol:
    """N-way K-shot episodes with a fixed number of queries per class.

    In regression a task is one function: one way, whose shots are its known points.

    Raises:
        BenchError: a number is not positive.
    """

    ways: int = 5
    shots: int = 1
    queries: int = 15

    def __post_init__(self) -> None:
        for name, least in (("ways", 1), ("shots", 1), ("queries", 1)):
            value = getattr(self, name)
            if value < least:
                raise BenchError(f"{name} is {value}; it must be at least {least}")

    @property
    def id(self) -> str:
        """The protocol's name in records, folders and tables, such as `5w1s15q` or `10s80q`."""
        ways = f"{self.ways}w" if self.ways > 1 else ""
        return f"{ways}{self.shots}s{self.queries}q"

    @property
    def per_class(self) -> int:
        """How many images an episode takes of each class."""
        return self.shots + self.queries

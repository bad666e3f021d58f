"""Episodes: the data that passes between sampler, algorithm and evaluation.

Shape letters, the same everywhere: n ways, k shots, q queries per class, s = n*k support
examples, m = n*q query examples, d features, t tasks, `...` the shape of one input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from bench.errors import BenchError, nearest

if TYPE_CHECKING:
    import torch
    from torch import Tensor


ProtocolKind = Literal[
    "fixed", "dirichlet", "single", "disjoint", "within", "variable", "variable-within", "folds"
]
KINDS: tuple[ProtocolKind, ...] = get_args(ProtocolKind)
CONCENTRATION = 2
"""The alpha of the Dirichlet distribution from which classes get their shares of the queries."""
FOLDS = 5
"""Parts that the images of a class are divided into, unless some class is too small for it."""


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
    """How test episodes are drawn: N-way K-shot with q queries per class, or another kind.

    In regression a task is one function: one way, whose shots are its known points. The kinds:

    - `fixed`: n classes with k shots and q queries each.
    - `dirichlet`: n*q queries in all, shared out unevenly: the shares are Dirichlet(2) (Veilleux
      et al. 2021), a class gives no more than it has.
    - `single`: one query, of any of the n classes.
    - `disjoint`: as fixed, but no image is in two episodes, so there is a last one.
    - `within`: as fixed, all classes of an episode from one group, such as an alphabet.
    - `variable`: ways and shots vary, shots also from class to class (Triantafillou et al. 2020);
      `ways`, `shots` and `queries` say nothing about the episodes.
    - `variable-within`: the same, all classes of an episode from one group.
    - `folds`: cross-validation over images: those of each class are divided into `folds` parts, of
      which each in turn is asked, whole, and k images of the others are known; `queries` says
      nothing. Other kinds have 0 folds.

    Raises:
        BenchError: a number is not positive, or there is no such kind.
    """

    ways: int = 5
    shots: int = 1
    queries: int = 15
    kind: ProtocolKind = "fixed"
    folds: int = 0

    def __post_init__(self) -> None:
        for name, least in (("ways", 1), ("shots", 1), ("queries", 1)):
            value = getattr(self, name)
            if value < least:
                raise BenchError(f"{name} is {value}; it must be at least {least}")
        if self.kind not in KINDS:
            raise BenchError(f"protocol is '{self.kind}'; {nearest(self.kind, KINDS)}")
        if self.kind == "folds" and not self.folds:
            object.__setattr__(self, "folds", FOLDS)
        if self.folds < 2 if self.kind == "folds" else self.folds:
            raise BenchError(f"{self.folds} folds in a protocol of kind {self.kind}")

    @property
    def id(self) -> str:
        """The protocol's name in records, folders and tables, such as `5w1s15q` or `10s80q`."""
        ways = f"{self.ways}w" if self.ways > 1 else ""
        support = f"{ways}{self.shots}s"
        if self.kind == "fixed":
            return f"{support}{self.queries}q"
        if self.kind == "single":
            return f"{support}-single"
        if self.kind == "folds":
            return f"{support}-{self.folds}folds"
        if self.varies:
            return self.kind
        concentration = CONCENTRATION if self.kind == "dirichlet" else ""
        return f"{support}{self.queries}q-{self.kind}{concentration}"

    @property
    def varies(self) -> bool:
        """Whether each episode has ways and shots of its own."""
        return self.kind in ("variable", "variable-within")

    @property
    def sizes(self) -> tuple[Literal["ways", "shots", "queries"], ...]:
        """Which of ways, shots and queries can be asked for in this kind of protocol."""
        if self.varies:
            return ()
        if self.kind in ("single", "folds"):
            return "ways", "shots"
        return "ways", "shots", "queries"

    @property
    def per_class(self) -> int:
        """How many images an episode takes of each class; at least that many must be there."""
        return self.shots + (self.queries if "queries" in self.sizes else 1)


def in_words(kind: str, ways: int, shots: int, name: str = "") -> str:
    """Returns a protocol for a sentence: `5-way 1-shot, one query each`; in regression `10-shot`.

    A fixed protocol is not called so. `name` is the protocol's id, which says how many folds.
    """
    plain = f"{ways}-way {shots}-shot" if ways > 1 else f"{shots}-shot"
    folds = name.rpartition("-")[2].removesuffix("folds")
    return {
        "dirichlet": f"{plain}, queries shared out unevenly",
        "single": f"{plain}, one query each",
        "disjoint": f"{plain}, no image in two episodes",
        "within": f"{plain} within a group",
        "variable": "ways and shots varying",
        "variable-within": "ways and shots varying, within a group",
        "folds": f"{plain}, {folds} folds",
    }.get(kind, plain)

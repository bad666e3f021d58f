"""Predictions: what an algorithm answered to every query, and what follows from that alone.

This is what a run keeps, so that every figure can be computed again without the algorithm. It
imports no torch.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.episodelist import EpisodeList
from bench.errors import BenchError
from bench.files import write_atomically
from bench.tasks import ACCURACY, MSE, Metric

Floats = NDArray[np.float64]
Answers = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class Predictions:
    """The answers to the queries of e episodes; Q is the number of all queries.

    In classification `answers` are logits, flat: for each query one per class of its episode,
    (sum of queries * ways,), and `targets` is None. In regression they are values (Q * d,), and
    `targets` (Q, d) is the truth. A file holds answers in single precision. `bases` are numbers of
    the base classes of the split's classes, (classes of the split,); None: each is its own.

    `folds` says that each so many episodes together ask for every image once, as the protocol of
    that name has it. `groups` (rows of the split,) are those of inputs, if there are any.
    """

    episodes: EpisodeList
    answers: Answers
    targets: NDArray[np.float32] | None = None
    bases: NDArray[np.int64] | None = None
    folds: int = 0
    groups: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.episodes)

    @property
    def metric(self) -> Metric:
        """What is judged by."""
        return ACCURACY if self.targets is None else MSE

    @cached_property
    def ways_of_query(self) -> NDArray[np.int64]:
        """The ways of each query's episode, (Q,)."""
        return np.repeat(self.episodes.ways, self.episodes.queries)

    @cached_property
    def log_probabilities(self) -> Floats:
        """The logarithm of each class's probability, (Q, most ways); -inf beyond the ways.

        The softmax of the logits, in double precision.
        """
        ways, most = self.ways_of_query, int(self.episodes.ways.max())
        logits = np.full((len(ways), most), -np.inf)
        logits[np.arange(most) < ways[:, None]] = self.answers
        logits -= logits.max(1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(1, keepdims=True))
        return logits

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Whether each query was classified right, (Q,); the first of equal logits counts."""
        right: NDArray[np.bool_] = self.log_probabilities.argmax(1) == self.episodes.query_labels
        return right

    @cached_property
    def correct(self) -> NDArray[np.int64] | None:
        """How many queries of each episode were right, (e,); None in regression."""
        if self.targets is not None:
            return None
        return self._per_episode(self.right.astype(np.float64)).round().astype(np.int64)

    @cached_property
    def loss(self) -> Floats:
        """The mean loss of each episode's queries, (e,): cross-entropy, or the squared error."""
        if self.targets is None:
            each = -self.log_probabilities[
                np.arange(len(self.ways_of_query)), self.episodes.query_labels
            ]
        else:
            answers = self.answers.reshape(self.targets.shape).astype(np.float64)
            each = np.square(answers - self.targets).mean(1)
        return self._per_episode(each) / self.episodes.queries

    @property
    def scores(self) -> Floats:
        """What each episode is judged by, (e,): the share of right answers, or the error."""
        return self.loss if self.correct is None else self.correct / self.episodes.queries

    def _per_episode(self, values: Floats) -> Floats:
        """Returns the sums of values (Q,) over the queries of each episode, (e,)."""
        starts = self.episodes.query_ends - self.episodes.queries
        return np.add.reduceat(values, starts)

    def first(self, count: int) -> Predictions:
        """Returns the predictions of the first `count` episodes."""
        part = self.episodes.slice_of(0, count)
        queries = int(part.queries.sum())
        if self.targets is None:
            answers = self.answers[: int((part.ways * part.queries).sum())]
            return replace(self, episodes=part, answers=answers)
        width = self.targets.shape[1]
        known = self.targets[:queries]
        return replace(self, episodes=part, answers=self.answers[: queries * width], targets=known)

    def to_bytes(self) -> bytes:
        """Returns the content of a predictions file: NumPy's compressed .npz, no pickles."""
        small = {f.name: _smallest(getattr(self.episodes, f.name)) for f in fields(EpisodeList)}
        truth = {} if self.targets is None else {"targets": self.targets}
        if self.bases is not None:
            small["bases"] = _smallest(self.bases)
        if self.groups is not None:
            small["groups"] = _smallest(self.groups)
        if self.folds:
            small["folds"] = _smallest(np.array([self.folds]))
        content = io.BytesIO()
        np.savez_compressed(content, answers=self.answers.astype(np.float32), **truth, **small)  # type: ignore[arg-type]  # its stubs take allow_pickle for an array
        return content.getvalue()

    def write(self, path: Path) -> None:
        """Writes the predictions, atomically."""
        write_atomically(path, self.to_bytes())

    @classmethod
    def read(cls, path: Path) -> Predictions:
        """Reads what `write` wrote; raises BenchError if the file is missing or damaged."""
        try:
            with np.load(path, allow_pickle=False) as file:
                columns = {f.name: file[f.name].astype(np.int64) for f in fields(EpisodeList)}
                targets = file["targets"] if "targets" in file.files else None
                bases, groups, folds = (
                    file[name].astype(np.int64) if name in file.files else None
                    for name in ("bases", "groups", "folds")
                )
                each = 0 if folds is None else int(folds[0])
                episodes = EpisodeList(**columns)
                return cls(episodes, file["answers"], targets, bases, each, groups)
        except FileNotFoundError:
            raise BenchError(
                f"{path} is not there; runs by earlier versions did not keep predictions, "
                "redo the run with --force"
            ) from None
        except Exception as error:  # a damaged archive raises whatever its decoder met
            raise BenchError(
                f"{path} cannot be read ({error}); redo the run with --force"
            ) from None


def _smallest(values: NDArray[np.int64]) -> NDArray[np.signedinteger]:
    """Returns non-negative integers in the narrowest type that holds them."""
    most = int(values.max(initial=0))
    kind = next(k for k in (np.int8, np.int16, np.int32, np.int64) if most <= np.iinfo(k).max)
    return values.astype(kind)

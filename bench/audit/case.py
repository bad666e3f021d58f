"""Cases: test episodes as an audit asks them, and an algorithm as it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.algorithm import Algorithm
from bench.audit.comparison import Floats
from bench.episodes import Examples
from bench.errors import RunFailed
from bench.evaluation import questions
from bench.failures import plugin_code
from bench.features import LESS_MEMORY
from bench.pool import EpisodeStream
from bench.sampling import EpisodeIndices
from bench.seeds import seed_torch

Ask = Callable[[Tensor], Floats]
"""From query inputs (m, ...) to probabilities (m, n), or values (m, d) in regression."""


@dataclass(frozen=True)
class Case:
    """One episode: its rows and labels, what an algorithm sees of it, and the truth.

    `truth` is the labels of the queries (m,), or in regression their values (m, d).
    """

    number: int
    drawn: EpisodeIndices
    support: Examples
    query: Tensor
    truth: NDArray[np.generic]


def cases(stream: EpisodeStream, count: int) -> Iterator[Case]:
    """Yields the first `count` episodes of a stream."""
    number = 0
    for drawn in stream.batches(count, 32):
        supports, queries = questions(stream, drawn)
        truth = stream.targets(drawn.query, drawn.query_labels).cpu().numpy()
        for place, (support, query) in enumerate(zip(supports, queries, strict=True)):
            part = drawn.part(place, place + 1)
            yield Case(number, part, support, query, truth[place])
            number += 1


@dataclass(frozen=True)
class Subject:
    """An algorithm under audit, and the seed of its evaluation."""

    algorithm: Algorithm
    seed: int

    def adapt(self, support: Examples, number: int) -> Asked:
        """Adapts to a copy of the support as the evaluation does, to test episode `number`."""
        copy = Examples(support.inputs.clone(), support.targets.clone(), support.n_way)
        seed_torch(self.seed, "episode", number)
        with plugin_code(self.algorithm.name, f"adapting to test episode {number}", LESS_MEMORY):
            predict = self.algorithm.adapt(copy)
        return Asked(self.algorithm.name, predict, number, support.targets.is_floating_point())


@dataclass(frozen=True)
class Asked:
    """A predictor of one episode, and how it is asked."""

    name: str
    predict: Callable[[Tensor], Tensor]
    number: int
    values: bool

    def first(self, query: Tensor) -> Floats:
        """Asks with the generator where `adapt` has left it, as the evaluation does."""
        with plugin_code(self.name, f"predicting test episode {self.number}", LESS_MEMORY):
            with torch.no_grad():
                answer = self.predict(query.clone())
            answer = answer.detach().double()
        if answer.ndim != 2 or len(answer) != len(query):
            raise RunFailed(
                f"{self.name} returned shape {tuple(answer.shape)} for {len(query)} queries of "
                f"test episode {self.number}; a predictor returns a row per query"
            )
        return (answer if self.values else answer.softmax(1)).cpu().numpy()

    def again(self, query: Tensor, seed: int = 0) -> Floats:
        """Asks, the generator seeded alike each time."""
        seed_torch(seed, "audit", self.number)
        return self.first(query)

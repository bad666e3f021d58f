"""Hidden truth: a stream of the same episodes in which nothing tells the queries' true labels.

An evaluation holds the labels in frames that called the algorithm, and Python lets code walk up to
them. So the same questions are put again, from a thread of their own, whose frames hold labels
that are all false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bench.audit.case import Subject
from bench.audit.comparison import Floats
from bench.episodelist import EpisodeList
from bench.evaluation import evaluate
from bench.pool import ClassPool, EpisodeStream
from bench.predictions import Predictions
from bench.sampling import EpisodeIndices

UNABLE = "label leak: with the truth hidden it cannot answer: {}"


class HiddenStream(EpisodeStream):
    """The first `count` episodes of a stream: true support and query inputs, false query labels.

    The pool does not tell which class a row is of either, and in regression has false values at
    the rows that are queries and never support.
    """

    def __init__(self, stream: EpisodeStream, count: int) -> None:
        self.protocol, self.device, self.name = stream.protocol, stream.device, stream.name
        self._rows, self._drawing = stream._rows, None
        drawn = list(stream.batches(count, 256))
        self._episodes = EpisodeList.of(map(_mislabelled, drawn))
        self.pool = _without_classes(stream.pool, self._episodes)

    def indices(self, start: int, count: int) -> EpisodeIndices:
        """Returns episodes start .. start+count-1, which must be of one shape."""
        return EpisodeIndices.joined(
            list(self._episodes.slice_of(start, start + count).batches(count))
        )

    def batches(self, count: int, size: int) -> Iterator[EpisodeIndices]:
        """Yields the first `count` episodes, up to `size` of one shape at a time."""
        return self._episodes.slice_of(0, count).batches(size)


def _mislabelled(drawn: EpisodeIndices) -> EpisodeIndices:
    """Returns the episodes with each query's label another than it is, if there are others."""
    ways = drawn.classes.shape[1]
    return replace(drawn, query_labels=(drawn.query_labels + 1) % ways)


def _without_classes(pool: ClassPool, episodes: EpisodeList) -> ClassPool:
    targets: NDArray[np.float32] | None = None
    if pool.targets is not None:
        targets = pool.targets.copy()
        only_asked = np.setdiff1d(episodes.query, episodes.support)
        targets[only_asked] = 1 - targets[only_asked]
    ends = np.array([0, len(pool.inputs)], dtype=np.int64)
    return replace(pool, classes=("hidden",), offsets=ends, targets=targets)


def answers_without_truth(
    subject: Subject,
    stream: EpisodeStream,
    count: int,
    stop: Callable[[], bool],
    *,
    plain: bool = True,
) -> list[Floats]:
    """Evaluates on the first `count` episodes, the truth hidden; probabilities, or values, each.

    Unless `plain`, by the fast path that an evaluation takes.

    Raises:
        RunFailed: as `evaluate`.
        Interrupted: `stop` returned True.
    """
    hidden = HiddenStream(stream, count)
    with ThreadPoolExecutor(1) as thread:
        evaluation = thread.submit(
            evaluate, subject.algorithm, hidden, count, seed=subject.seed, stop=stop, plain=plain
        )
        return answers_of(evaluation.result())


def answers_of(predictions: Predictions) -> list[Floats]:
    """Returns the probabilities (m, n), or values (m, d), of each episode."""
    episodes, truth = predictions.episodes, predictions.targets
    widths = episodes.ways if truth is None else np.full(len(episodes), truth.shape[1])
    parts = np.split(
        predictions.answers.astype(np.float64), np.cumsum(widths * episodes.queries)[:-1]
    )
    answers = [part.reshape(-1, width) for part, width in zip(parts, widths, strict=True)]
    return answers if truth is not None else [special.softmax(part, axis=1) for part in answers]

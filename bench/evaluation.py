"""Evaluation: the same episodes for every algorithm, one record per episode.

An algorithm gets support inputs and labels; its predictor gets query inputs. Query labels stay
here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bench.algorithm import Algorithm, EmbeddingLearner
from bench.episodes import Examples
from bench.errors import Interrupted, RunFailed
from bench.failures import plugin_code
from bench.features import LESS_MEMORY, embeds_alone, score_by_features
from bench.gradient import GradientLearner, stack_examples
from bench.pool import EpisodeStream
from bench.sampling import EpisodeIndices
from bench.seeds import seed_torch
from bench.tasks import ACCURACY, MSE, Metric

CHUNK = 32
"""Episodes per batch of sampling and scoring."""


@dataclass(frozen=True)
class EpisodeResults:
    """One row per episode e: the mean loss of its queries (e,), and how many were right (e,).

    In classification the loss is cross-entropy; in regression it is the squared error, and
    `correct` is None.
    """

    correct: NDArray[np.int64] | None
    loss: NDArray[np.float64]
    queries: int

    @property
    def metric(self) -> Metric:
        """What the run is judged by."""
        return MSE if self.correct is None else ACCURACY

    @property
    def scores(self) -> NDArray[np.float64]:
        """What each episode is judged by, (e,): the share of right answers, or the error."""
        return self.loss if self.correct is None else self.correct / self.queries


Report = Callable[[int, int], None]
"""Called with the number of episodes done and the number there are."""


def evaluate(
    algorithm: Algorithm,
    stream: EpisodeStream,
    count: int,
    *,
    seed: int,
    report: Report = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
    plain: bool = False,
) -> EpisodeResults:
    """Evaluates on the first `count` episodes of a stream.

    Unless `plain` is asked for, fast paths are taken where they are exact: embedding learners
    embed each image once, gradient learners adapt to many tasks at a time. On the
    plain path randomness in `adapt` is seeded per episode.

    Raises:
        RunFailed: the algorithm raised an exception, gave logits of the wrong shape or not
            finite, or changed its own parameters or buffers.
        Interrupted: `stop` returned True.
    """
    algorithm.eval()
    before = tensor_digests(algorithm)
    if isinstance(algorithm, EmbeddingLearner) and embeds_alone(algorithm) and not plain:
        scored = score_by_features(algorithm, stream, count)
    elif isinstance(algorithm, GradientLearner) and algorithm.takes_tasks_together and not plain:
        scored = _together(algorithm, stream, count)
    else:
        scored = _one_by_one(algorithm, stream, count, seed)
    correct: list[NDArray[np.int64]] = []
    losses: list[NDArray[np.float64]] = []
    done = 0
    for drawn, logits in scored:
        _check_shape(algorithm, logits, drawn.query.shape, stream)
        targets = stream.targets(drawn.query, drawn.query_labels).to(logits.device)
        _check_finite(algorithm.name, logits, done)
        if stream.pool.targets is None:
            right, loss = _score(logits, targets)
            correct.append(right)
        else:
            loss = (logits.double() - targets).square().mean((-2, -1)).cpu().numpy()
        losses.append(loss)
        done += len(drawn)
        report(done, count)
        if done < count and stop():
            raise Interrupted("stopped during evaluation")
    _check_unchanged(algorithm, before)
    queries = stream.protocol.ways * stream.protocol.queries
    right_ones = np.concatenate(correct) if correct else None
    return EpisodeResults(right_ones, np.concatenate(losses), queries)


def _chunks(stream: EpisodeStream, count: int) -> Iterator[tuple[int, int]]:
    for start in range(0, count, CHUNK):
        yield start, min(CHUNK, count - start)


def _one_by_one(
    algorithm: Algorithm, stream: EpisodeStream, count: int, seed: int
) -> Iterator[tuple[EpisodeIndices, Tensor]]:
    """Yields chunks of episodes with logits (b, m, n), through `adapt`: the plain path."""
    ways = stream.protocol.ways
    for start, size in _chunks(stream, count):
        logits = []
        for number, episode in enumerate(stream.episodes(start, size), start):
            seed_torch(seed, "episode", number)
            # Copies: the tensors of an episode are views of a batch that holds the queries too.
            support = Examples(
                episode.support.inputs.clone(), episode.support.targets.clone(), ways
            )
            with plugin_code(algorithm.name, f"adapting to test episode {number}", LESS_MEMORY):
                predict = algorithm.adapt(support)
                with torch.no_grad():
                    answer = predict(episode.query.inputs.clone()).detach()
            _check_shape(algorithm, answer, (len(episode.query),), stream)
            logits.append(answer)
        yield stream.indices(start, size), torch.stack(logits)


def _together(
    algorithm: GradientLearner, stream: EpisodeStream, count: int
) -> Iterator[tuple[EpisodeIndices, Tensor]]:
    """Yields the same as `_one_by_one`, up to rounding, many tasks at a time."""
    for start, size in _chunks(stream, count):
        episodes = stream.episodes(start, size)
        support = stack_examples([episode.support for episode in episodes])
        query = torch.stack([episode.query.inputs for episode in episodes])
        with plugin_code(algorithm.name, f"adapting to test episode {start}", LESS_MEMORY):
            logits = algorithm.predict_together(support, query)
        _check_shape(algorithm, logits[0], (query.shape[1],), stream)
        yield stream.indices(start, size), logits


def _check_shape(
    algorithm: Algorithm, answer: Tensor, queries: tuple[int, ...], stream: EpisodeStream
) -> None:
    """Raises RunFailed unless the answer has a row per query, as wide as the task demands."""
    values = stream.pool.targets
    width = stream.protocol.ways if values is None else values.shape[1]
    if answer.shape != (*queries, width):
        given, noun = ("logits", "ways") if values is None else ("values", "targets")
        raise RunFailed(
            f"{algorithm.name} returned {given} of shape {tuple(answer.shape)} for "
            f"{queries[-1]} queries and {width} {noun}; a predictor returns (queries, {noun}), and "
            "scores the same after the axes of its tasks"
        )


def _check_finite(name: str, answer: Tensor, first: int) -> None:
    """Raises RunFailed if a prediction is not finite; `first` is the number of its episode."""
    bad = ~torch.isfinite(answer).flatten(1).all(1)
    if bad.any():
        raise RunFailed(
            f"{name} returned predictions that are not finite in episode "
            f"{first + int(bad.int().argmax())}; try a smaller learning rate, "
            "such as --set inner_lr=..., or fewer steps"
        )


def _score(logits: Tensor, targets: Tensor) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns right answers (b,) and mean cross-entropy (b,) of logits (b, m, n)."""
    right = (logits.argmax(-1) == targets).sum(-1)
    loss = F.cross_entropy(logits.mT.double(), targets, reduction="none").mean(-1)
    return right.cpu().numpy(), loss.cpu().numpy()


def tensor_digests(algorithm: Algorithm) -> dict[str, str]:
    """Returns the sha256 of every parameter and buffer."""
    return {
        name: hashlib.sha256(tensor.detach().cpu().numpy().tobytes()).hexdigest()
        for name, tensor in (*algorithm.named_parameters(), *algorithm.named_buffers())
    }


def _check_unchanged(algorithm: Algorithm, before: dict[str, str]) -> None:
    after = tensor_digests(algorithm)
    changed = sorted(name for name in before | after if before.get(name) != after.get(name))
    if changed:
        raise RunFailed(
            f"{algorithm.name} changed {', '.join(changed[:3])} during evaluation; adapt must "
            "leave parameters and buffers as they were: work on copies"
        )

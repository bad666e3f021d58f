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

CHUNK = 32
"""Episodes per batch of sampling and scoring."""


@dataclass(frozen=True)
class EpisodeResults:
    """One row per episode e: how many queries were right (e,), and the mean loss of them (e,)."""

    correct: NDArray[np.int64]
    loss: NDArray[np.float64]
    queries: int

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """The share of right answers in each episode, (e,)."""
        return self.correct / self.queries


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
        _check_shape(algorithm.name, logits, (*drawn.query.shape, stream.protocol.ways))
        targets = torch.from_numpy(drawn.query_labels).to(logits.device)
        right, loss = _score(algorithm.name, logits, targets, done)
        correct.append(right)
        losses.append(loss)
        done += len(drawn)
        report(done, count)
        if done < count and stop():
            raise Interrupted("stopped during evaluation")
    _check_unchanged(algorithm, before)
    queries = stream.protocol.ways * stream.protocol.queries
    return EpisodeResults(np.concatenate(correct), np.concatenate(losses), queries)


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
            _check_shape(algorithm.name, answer, (len(episode.query), ways))
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
        _check_shape(algorithm.name, logits[0], (query.shape[1], stream.protocol.ways))
        yield stream.indices(start, size), logits


def _check_shape(name: str, logits: Tensor, shape: tuple[int, ...]) -> None:
    if logits.shape != shape:
        raise RunFailed(
            f"{name} returned logits of shape {tuple(logits.shape)} for {shape[-2]} queries and "
            f"{shape[-1]} ways; a predictor returns (queries, ways), and scores the same after "
            "the axes of its tasks"
        )


def _score(
    name: str, logits: Tensor, targets: Tensor, first: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns right answers (b,) and mean cross-entropy (b,) of logits (b, m, n)."""
    bad = ~torch.isfinite(logits).flatten(1).all(1)
    if bad.any():
        raise RunFailed(
            f"{name} returned logits that are not finite in episode "
            f"{first + int(bad.int().argmax())}; try a smaller learning rate, "
            "such as --set inner_lr=..., or fewer steps"
        )
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

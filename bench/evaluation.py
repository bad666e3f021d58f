"""Evaluation: the same episodes for every algorithm, and its answer to every query.

An algorithm gets support inputs and labels; its predictor gets query inputs. Query labels stay
here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from bench.algorithm import Algorithm, EmbeddingLearner
from bench.episodelist import EpisodeList
from bench.episodes import Examples
from bench.errors import Interrupted, RunFailed
from bench.failures import plugin_code
from bench.features import LESS_MEMORY, embeds_alone, score_by_features
from bench.gradient import GradientLearner, stack_examples
from bench.pool import EpisodeStream
from bench.predictions import Answers, Predictions
from bench.sampling import EpisodeIndices
from bench.seeds import seed_torch

CHUNK = 32
"""Episodes per batch of sampling and scoring."""

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
) -> Predictions:
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
    asked: list[EpisodeIndices] = []
    answers: list[Answers] = []
    done = 0
    for drawn, answer in scored:
        _check_shape(algorithm, answer, drawn.query.shape, drawn, stream)
        _check_finite(algorithm.name, answer, done)
        asked.append(drawn)
        exact = answer if answer.dtype is torch.float64 else answer.float()
        answers.append(exact.cpu().numpy().ravel())
        done += len(drawn)
        report(done, count)
        if done < count and stop():
            raise Interrupted("stopped during evaluation")
    _check_unchanged(algorithm, before)
    episodes, known = EpisodeList.of(asked), stream.pool.targets
    truth = None if known is None else known[episodes.query]
    return Predictions(episodes, np.concatenate(answers), truth)  # type: ignore[arg-type]  # NumPy forgets the dtype of a union


def _one_by_one(
    algorithm: Algorithm, stream: EpisodeStream, count: int, seed: int
) -> Iterator[tuple[EpisodeIndices, Tensor]]:
    """Yields chunks of episodes with logits (b, m, n), through `adapt`: the plain path."""
    number = 0
    for drawn in stream.batches(count, CHUNK):
        supports, queries = questions(stream, drawn)
        answers = []
        for support, query in zip(supports, queries, strict=True):
            seed_torch(seed, "episode", number)
            with plugin_code(algorithm.name, f"adapting to test episode {number}", LESS_MEMORY):
                predict = algorithm.adapt(support)
                with torch.no_grad():
                    answer = predict(query).detach()
            _check_shape(algorithm, answer, drawn.query.shape[1:], drawn, stream)
            answers.append(answer)
            number += 1
        yield drawn, torch.stack(answers)


def questions(
    stream: EpisodeStream, drawn: EpisodeIndices
) -> tuple[list[Examples], tuple[Tensor, ...]]:
    """Returns what an algorithm may see of each episode: its support, and its query inputs.

    They are copies: a view of a batch would hold what else is in it.
    """
    known = stream.gather(drawn.support).unbind()
    targets = stream.targets(drawn.support, drawn.support_labels).unbind()
    ways = drawn.classes.shape[1]
    supports = [Examples(x.clone(), y.clone(), ways) for x, y in zip(known, targets, strict=True)]
    return supports, tuple(inputs.clone() for inputs in stream.gather(drawn.query).unbind())


def _together(
    algorithm: GradientLearner, stream: EpisodeStream, count: int
) -> Iterator[tuple[EpisodeIndices, Tensor]]:
    """Yields the same as `_one_by_one`, up to rounding, many tasks at a time."""
    done = 0
    for drawn in stream.batches(count, CHUNK):
        supports, queries = questions(stream, drawn)
        with plugin_code(algorithm.name, f"adapting to test episode {done}", LESS_MEMORY):
            answers = algorithm.predict_together(stack_examples(supports), torch.stack(queries))
        done += len(drawn)
        yield drawn, answers


def _check_shape(
    algorithm: Algorithm,
    answer: Tensor,
    queries: tuple[int, ...],
    drawn: EpisodeIndices,
    stream: EpisodeStream,
) -> None:
    """Raises RunFailed unless the answer has a row per query, as wide as the task demands."""
    values = stream.pool.targets
    width = drawn.classes.shape[1] if values is None else values.shape[1]
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

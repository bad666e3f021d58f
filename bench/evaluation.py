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
from bench.backbones import shares_statistics
from bench.episodes import Examples
from bench.errors import Interrupted, RunFailed
from bench.failures import plugin_code
from bench.pool import EpisodeStream
from bench.sampling import EpisodeIndices
from bench.seeds import seed_torch

CHUNK = 32
"""Episodes per batch of sampling and scoring."""

LESS_MEMORY = "use fewer --queries or a smaller --backbone"


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

    Embedding learners take the fast path where it is exact, unless `plain` is asked for: each
    image is embedded once. Randomness in `adapt` is seeded per episode.

    Raises:
        RunFailed: the algorithm raised an exception, gave logits of the wrong shape or not
            finite, or changed its own parameters or buffers.
        Interrupted: `stop` returned True.
    """
    algorithm.eval()
    before = tensor_digests(algorithm)
    if isinstance(algorithm, EmbeddingLearner) and _embeds_alone(algorithm) and not plain:
        scored = _by_embedding(algorithm, stream, count)
    else:
        scored = _one_by_one(algorithm, stream, count, seed)
    correct: list[NDArray[np.int64]] = []
    losses: list[NDArray[np.float64]] = []
    for drawn, logits in scored:
        targets = torch.from_numpy(drawn.query_labels).to(logits.device)
        right, loss = _score(algorithm.name, logits, targets, len(correct) * CHUNK)
        correct.append(right)
        losses.append(loss)
        done = sum(map(len, correct))
        report(done, count)
        if done < count and stop():
            raise Interrupted("stopped during evaluation")
    _check_unchanged(algorithm, before)
    queries = stream.protocol.ways * stream.protocol.queries
    return EpisodeResults(np.concatenate(correct), np.concatenate(losses), queries)


def _embeds_alone(algorithm: EmbeddingLearner) -> bool:
    """Tells whether the embedding of an image depends on that image alone, so once is enough."""
    inherits = type(algorithm).adapt is EmbeddingLearner.adapt
    return inherits and not shares_statistics(algorithm)


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


def _by_embedding(
    algorithm: EmbeddingLearner, stream: EpisodeStream, count: int
) -> Iterator[tuple[EpisodeIndices, Tensor]]:
    """Yields the same as `_one_by_one`, up to rounding, embedding each image once."""
    features = _Features(algorithm, stream)
    for block in stream.batches(count, 32 * CHUNK):
        features.prepare(np.concatenate([block.support, block.query], axis=None))
        for start in range(0, len(block), CHUNK):
            indices = block.part(start, start + CHUNK)
            labels = torch.from_numpy(indices.support_labels).to(stream.device)
            known = Examples(features.at(indices.support), labels, stream.protocol.ways)
            query = features.at(indices.query)
            with torch.no_grad(), plugin_code(algorithm.name, "scoring", LESS_MEMORY):
                logits = algorithm.scores(known, query)
            _check_shape(algorithm.name, logits[0], (query.shape[1], stream.protocol.ways))
            yield indices, logits


class _Features:
    """The features of a pool's images, each embedded when an episode first needs it."""

    def __init__(self, algorithm: EmbeddingLearner, stream: EpisodeStream) -> None:
        self._algorithm, self._pool, self._device = algorithm, stream.pool, stream.device
        self._done = np.zeros(len(stream.pool.inputs), dtype=np.bool_)
        self._features = torch.empty(0)

    def prepare(self, rows: NDArray[np.int64]) -> None:
        """Embeds the images at these rows (r,), but for those that have been."""
        fresh = np.unique(rows[~self._done[rows]])
        for start in range(0, len(fresh), 512):
            part = fresh[start : start + 512]
            with torch.no_grad(), plugin_code(self._algorithm.name, "embedding", LESS_MEMORY):
                embedded = self._algorithm.embed(self._pool.gather(part, self._device))
            if not len(self._features):
                self._features = embedded.new_empty(len(self._done), *embedded.shape[1:])
            self._features[torch.from_numpy(part).to(self._device)] = embedded
        self._done[fresh] = True

    def at(self, rows: NDArray[np.int64]) -> Tensor:
        """Returns the features (*rows.shape, d) of images that were prepared."""
        return self._features[torch.from_numpy(rows).to(self._device)]


def _check_shape(name: str, logits: Tensor, shape: tuple[int, int]) -> None:
    if logits.shape != shape:
        raise RunFailed(
            f"{name} returned logits of shape {tuple(logits.shape)} for {shape[0]} queries and "
            f"{shape[1]} ways; a predictor returns (queries, ways)"
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

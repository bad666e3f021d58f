"""Features: test episodes of an embedding learner, each image embedded once.

Ten thousand episodes ask for the same few thousand images again and again. Where the features of
an image depend on that image alone, they are computed once and looked up, and hundreds of
episodes are scored together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.algorithm import EmbeddingLearner
from bench.backbones import shares_statistics
from bench.episodes import Examples
from bench.failures import plugin_code
from bench.folding import fold_batch_norm
from bench.pool import EpisodeStream
from bench.sampling import EpisodeIndices

LESS_MEMORY = "use fewer --queries or a smaller --backbone"

SCORED_TOGETHER = 256
"""Episodes per call of `scores`, at most."""
_IMAGES_TOGETHER = 1 << 17

_EMBEDDED_AHEAD = 4 * SCORED_TOGETHER
_BATCH = 512
_NUMBERS_PER_BATCH = 32 * 28 * 28
"""On a CPU larger batches leave the cache between one layer and the next."""


def embeds_alone(algorithm: EmbeddingLearner) -> bool:
    """Tells whether the features of an image depend on that image alone, so once is enough."""
    inherits = type(algorithm).adapt is EmbeddingLearner.adapt
    return inherits and not shares_statistics(algorithm)


def score_by_features(
    algorithm: EmbeddingLearner, stream: EpisodeStream, count: int
) -> Iterator[tuple[EpisodeIndices, Tensor]]:
    """Yields chunks of the first `count` episodes with their logits (b, m, n).

    They are those of `adapt`, up to rounding.

    Raises:
        RunFailed: the algorithm raised an exception.
    """
    features = _Features(algorithm, stream)
    for block in stream.batches(count, _EMBEDDED_AHEAD):
        features.prepare(np.concatenate([block.support, block.query], axis=None))
        images = block.support.shape[1] + block.query.shape[1]
        together = max(1, min(SCORED_TOGETHER, _IMAGES_TOGETHER // images))
        for start in range(0, len(block), together):
            part = block.part(start, start + together)
            targets = stream.targets(part.support, part.support_labels)
            known = Examples(features.at(part.support), targets, part.classes.shape[1])
            with torch.no_grad(), plugin_code(algorithm.name, "scoring", LESS_MEMORY):
                logits = algorithm.scores(known, features.at(part.query)).detach()
            yield part, logits


def features_of(algorithm: EmbeddingLearner, stream: EpisodeStream) -> Tensor:
    """Returns the features (rows, d) of all images of a stream's pool.

    Raises:
        RunFailed: the algorithm raised an exception.
    """
    features, rows = _Features(algorithm, stream), np.arange(len(stream.pool.inputs))
    features.prepare(rows)
    return features.at(rows)


class _Features:
    """The features of a pool's images, each embedded when an episode first needs it."""

    def __init__(self, algorithm: EmbeddingLearner, stream: EpisodeStream) -> None:
        self._name, self._stream, self._embed = algorithm.name, stream, _embedder(algorithm)
        self._done = np.zeros(len(stream.pool.inputs), dtype=np.bool_)
        self._features = torch.empty(0)
        self._batch = _BATCH
        if stream.device.type == "cpu":
            size = _NUMBERS_PER_BATCH // math.prod(stream.pool.input_shape)
            self._batch = max(4, min(_BATCH, size))

    def prepare(self, rows: NDArray[np.int64]) -> None:
        """Embeds the images at these rows (r,), but for those that have been."""
        fresh = np.zeros_like(self._done)
        fresh[rows] = True
        todo = np.flatnonzero(fresh & ~self._done)
        for start in range(0, len(todo), self._batch):
            part = todo[start : start + self._batch]
            with torch.no_grad(), plugin_code(self._name, "embedding", LESS_MEMORY):
                embedded = self._embed(self._stream.gather(part))
            if not len(self._features):
                self._features = embedded.new_empty(len(self._done), *embedded.shape[1:])
            self._features[torch.from_numpy(part).to(embedded.device)] = embedded
        self._done[todo] = True

    def at(self, rows: NDArray[np.int64]) -> Tensor:
        """Returns the features (*rows.shape, d) of images that were prepared."""
        wanted = torch.from_numpy(rows).to(self._features.device)
        found = self._features.index_select(0, wanted.flatten())
        return found.view(*rows.shape, *found.shape[1:])


def _embedder(algorithm: EmbeddingLearner) -> Callable[[Tensor], Tensor]:
    """Returns what gives an algorithm's features fastest: `embed`, or a folded copy of it."""
    if type(algorithm).embed is EmbeddingLearner.embed and "embed" not in vars(algorithm):
        folded = fold_batch_norm(algorithm.embedding)
        if folded is not None:
            return folded
    return algorithm.embed

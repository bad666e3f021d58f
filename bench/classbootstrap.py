"""The class bootstrap: how far a mean moves when the test classes are drawn again.

A replicate draws as many base classes as there are, with replacement, keeps each that came once,
as no class may be in an episode twice, and tests on new episodes of these. So about a share
f = 0.63 of the classes is kept, and the means of such parts vary less than those of whole new sets
of classes: by the factor (1 - f) / f for a mean over classes, which is undone here, as in the
delete-d jackknife (Shao and Wu 1989). Nothing is assumed of how classes act on an episode, as
bench.statistics.classes does; but episodes are drawn and answered anew, so it is for learners that
embed each image once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from bench.algorithm import Algorithm, EmbeddingLearner
from bench.episodes import Examples
from bench.errors import BenchError
from bench.failures import plugin_code
from bench.features import LESS_MEMORY, SCORED_TOGETHER, embeds_alone, features_of
from bench.measurements import IntervalRecord
from bench.pool import ClassPool, EpisodeStream
from bench.statistics.classes import DRAWN_AGAIN

EPISODES = 1000
"""Episodes of a replicate: with a tenth of them their own noise would be all that is seen."""
NORMAL = 1.959963984540054
"""The 97.5th percentile of the normal distribution."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Replicates:
    """What r replicates came to, (r,): means, the variances that episodes give these, shares kept.

    A share is that of the base classes which came at least once.
    """

    means: Floats
    noise: Floats
    shares: Floats

    @property
    def half_width(self) -> float:
        """1.96 times the standard deviation over sets of classes, without the episodes' noise."""
        share = float(self.shares.mean())
        between = float(self.means.var(ddof=1) - self.noise.mean())
        variance = between * share / (1 - share)
        return NORMAL * math.sqrt(max(0.0, variance))


def check_bootstrap(algorithm: Algorithm, stream: EpisodeStream) -> None:
    """Raises BenchError unless classes can be drawn again for this learner and protocol."""
    embeds = isinstance(algorithm, EmbeddingLearner) and embeds_alone(algorithm)
    if not embeds or stream.pool.targets is not None:
        raise BenchError(
            f"--bootstrap is for methods that embed each image once, and {algorithm.name} is not "
            "one here; its interval over classes is computed from its answers"
        )
    if stream.protocol.kind != "fixed":
        raise BenchError(
            f"--bootstrap draws N-way K-shot episodes, and this run's are {stream.protocol.id}"
        )


def class_bootstrap(
    algorithm: EmbeddingLearner,
    stream: EpisodeStream,
    bases: NDArray[np.int64],
    replicates: int,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Replicates:
    """Tests on episodes of classes drawn again; `bases` (classes,) are their base classes.

    Raises:
        BenchError: too few classes came for the ways of an episode.
        RunFailed: the algorithm raised an exception.
    """
    check_bootstrap(algorithm, stream)
    algorithm.eval()
    features = features_of(algorithm, stream).cpu().numpy()
    pool = replace(stream.pool, inputs=features, groups=None)
    found, units = [], np.unique(bases)
    for number in range(replicates):
        rng = np.random.default_rng([stream.name.seed, number])
        came = np.unique(rng.choice(units, len(units)))
        kept = np.flatnonzero(np.isin(bases, came))
        scores = _scores(algorithm, _part(pool, kept, number), stream)
        found.append((scores.mean(), scores.var(ddof=1) / len(scores), len(came) / len(units)))
        report(number + 1, replicates)
    return Replicates(*np.array(found).T)


def interval(mean: float, found: Replicates, classes: int) -> IntervalRecord:
    """Returns the interval of a run's mean, `classes` being the number of base classes."""
    formula = (
        f"{len(found.means)} times as many classes drawn with replacement, {EPISODES} episodes of "
        "the share f that came; mean +- 1.96 * sqrt((variance of the means - that by episodes) * "
        "f / (1 - f))"
    )
    low, high = mean - found.half_width, mean + found.half_width
    return IntervalRecord(DRAWN_AGAIN, max(0.0, low), min(1.0, high), classes, formula)


def _part(pool: ClassPool, kept: NDArray[np.int64], number: int) -> ClassPool:
    """Returns a pool of some classes, under a name of its own, as episodes hang on that."""
    sizes = np.diff(pool.offsets)[kept]
    rows = np.concatenate([np.arange(pool.offsets[c], pool.offsets[c + 1]) for c in kept])
    return replace(
        pool,
        fingerprint=f"{pool.fingerprint}/bootstrap/{number}",
        classes=tuple(pool.classes[c] for c in kept),
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        inputs=pool.inputs[rows],
        input_groups=None if pool.input_groups is None else pool.input_groups[rows],
    )


def _scores(algorithm: EmbeddingLearner, pool: ClassPool, like: EpisodeStream) -> Floats:
    """Returns the accuracy of each of 1000 episodes of a pool of features."""
    stream = EpisodeStream(pool, like.protocol, like.name.seed, like.device)
    right = []
    for part in stream.batches(EPISODES, SCORED_TOGETHER):
        targets = stream.targets(part.support, part.support_labels)
        known = Examples(stream.gather(part.support), targets, part.classes.shape[1])
        with torch.no_grad(), plugin_code(algorithm.name, "scoring", LESS_MEMORY):
            logits = algorithm.scores(known, stream.gather(part.query))
        labels = stream.targets(part.query, part.query_labels)
        right.append((logits.argmax(-1) == labels).double().mean(-1).cpu().numpy())
    scores: Floats = np.concatenate(right)
    return scores

"""A population of classes and images whose mean accuracy is known, to draw test sets from.

A query of class c is answered right with log-odds

    ease + class effect + effect of its image + effect of the support image + effect of the
    episode + sum of what the other classes of the episode add (they confuse),

all effects normal and independent, so that means over any of them are Gauss-Hermite sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, roots_hermitenorm

from bench.episodelist import EpisodeList

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
NODES, WEIGHTS = roots_hermitenorm(15)


def mean_of_expit(centre: Floats, std: float) -> Floats:
    """Returns the mean of expit(centre + std * z) over normal z."""
    means: Floats = expit(centre[..., None] + std * NODES) @ WEIGHTS / WEIGHTS.sum()
    return means


@dataclass(frozen=True)
class Population:
    """Standard deviations of the effects, on the scale of log-odds; `ease` is the centre."""

    ease: float = 0.5
    classes: float = 0.8
    images: float = 0.6
    episodes: float = 0.3
    confusion: float = 0.0

    @property
    def mean(self) -> float:
        """The accuracy over all classes and images."""
        spread = self.classes**2 + 2 * self.images**2 + self.episodes**2 + self.confusion**2
        return float(mean_of_expit(np.array(self.ease), spread**0.5))


@dataclass(frozen=True)
class Scored:
    """Episodes and what they scored, (e,)."""

    episodes: EpisodeList
    scores: Floats


class TestSet:
    """Classes and images drawn from a population: what a benchmark has of it."""

    __test__ = False

    def __init__(
        self, population: Population, rng: np.random.Generator, classes: int, images: int
    ) -> None:
        self.population, self.rng = population, rng
        self.classes, self.images = classes, images
        self.of_class = population.ease + population.classes * rng.standard_normal(classes)
        self.as_query = population.images * rng.standard_normal((classes, images))
        self.as_support = population.images * rng.standard_normal((classes, images))
        self.confusing = population.confusion * rng.standard_normal(classes)

    @property
    def mean(self) -> float:
        """The accuracy over all episodes of these images; not for classes that confuse."""
        pairs = self.as_query[:, :, None] + self.as_support[:, None, :]
        centres = self.of_class[:, None] + pairs[:, ~np.eye(self.images, dtype=bool)]
        return float(mean_of_expit(centres, self.population.episodes).mean())

    def test(self, count: int, ways: int = 5, queries: int = 5) -> Scored:
        """Returns `count` independent one-shot episodes with their scores."""
        return self.answer(self._some(self.classes, count, ways), queries)

    def test_disjoint(self, ways: int = 5, queries: int = 5) -> Scored:
        """Returns one-shot episodes in which each class occurs once."""
        return self.answer(self.rng.permutation(self.classes).reshape(-1, ways), queries)

    def _some(self, size: int, rows: int, count: int) -> Indices:
        """Returns `count` distinct numbers below `size` in each of `rows` rows."""
        return np.argsort(self.rng.random((rows, size)), axis=1)[:, :count]

    def answer(self, classes: Indices, queries: int) -> Scored:
        """Returns episodes of these classes (e, n) with their scores."""
        count, ways = classes.shape
        chosen = self._some(self.images, count * ways, queries + 1)
        chosen = chosen.reshape(count, ways, -1)
        support, query = chosen[..., :1], chosen[..., 1:]
        others = self.confusing[classes].sum(1, keepdims=True) - self.confusing[classes]
        own = self.of_class[classes] + others / max(1, ways - 1) ** 0.5
        episode = self.population.episodes * self.rng.standard_normal((count, 1, 1))
        odds = own[..., None] + episode
        odds = odds + self.as_query[classes[..., None], query]
        odds = odds + self.as_support[classes[..., None], support]
        scores = (self.rng.random(odds.shape) < expit(odds)).mean((1, 2))
        rows = classes[..., None] * self.images
        return Scored(_listed(classes, rows + support, rows + query), scores)


def _listed(classes: Indices, support: Indices, query: Indices) -> EpisodeList:
    """Returns episodes of classes (e, n), support rows (e, n, k) and query rows (e, n, q)."""
    count, ways = classes.shape

    def labels(rows: Indices) -> Indices:
        return np.broadcast_to(np.arange(ways)[:, None], rows.shape).ravel()

    return EpisodeList(
        np.full(count, ways),
        np.full(count, support[0].size),
        np.full(count, query[0].size),
        classes.ravel(),
        support.ravel(),
        labels(support),
        query.ravel(),
        labels(query),
    )

"""Predictions made by hand: what tests of metrics share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from bench.episodelist import EpisodeList
from bench.predictions import Predictions


def predicted(*episodes: tuple[ArrayLike, Sequence[int]]) -> Predictions:
    """Predictions of episodes, each as logits (m, n) and labels (m,); one support per class."""
    logits = [np.asarray(answers, dtype=np.float64) for answers, _ in episodes]
    ways = np.array([each.shape[1] for each in logits])
    queries = np.array([len(each) for each in logits])
    classes = np.concatenate([np.arange(n) for n in ways])
    labels = np.concatenate([np.asarray(known) for _, known in episodes])
    rows = np.arange(len(labels))
    listed = EpisodeList(ways, ways, queries, classes, classes, classes, rows, labels)
    return Predictions(listed, np.concatenate([each.ravel() for each in logits]))


def decided(*episodes: tuple[int, Sequence[int], Sequence[int]]) -> Predictions:
    """Predictions of episodes, each as ways, decisions (m,) and labels (m,)."""
    return predicted(*((np.eye(ways)[list(made)], labels) for ways, made, labels in episodes))


def stated(*queries: tuple[float, bool]) -> Predictions:
    """Predictions of one episode of two ways: the top probability of each query, and if right."""
    probabilities = np.array([[top, 1 - top] for top, _ in queries])
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(probabilities), -1e6)
    return predicted((logits, [0 if right else 1 for _, right in queries]))


def random_ragged(rng: np.random.Generator, count: int) -> Predictions:
    """Predictions of episodes of 2 to 7 ways and 1 to 30 queries, better than chance."""
    episodes = []
    for _ in range(count):
        ways, queries = int(rng.integers(2, 8)), int(rng.integers(1, 31))
        labels = rng.integers(0, ways, queries)
        logits = rng.normal(size=(queries, ways)) + 2 * np.eye(ways)[labels]
        episodes.append((logits, labels.tolist()))
    return predicted(*episodes)

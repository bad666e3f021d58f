"""Consistency: whether a list of episodes is one at all, whoever wrote it.

It imports no torch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.episodelist import EpisodeList
from bench.errors import BenchError


def check_episodes(
    episodes: EpisodeList, images: NDArray[np.int64], image_classes: NDArray[np.int64]
) -> None:
    """Raises BenchError unless the columns fit together and each image is under its own class.

    `images` (i,) are all rows that may occur, rising, and `image_classes` (i,) their classes. No
    episode may have an image or a class twice.
    """
    sizes = (episodes.ways, episodes.supports, episodes.queries)
    if len({len(size) for size in sizes}) > 1:
        raise BenchError("episodes have ways, supports and queries of different numbers")
    if not len(episodes):
        raise BenchError("there is no episode")
    if min(int(size.min()) for size in sizes) < 1:
        raise BenchError("an episode has no class, no support or no query")
    columns = (
        (episodes.classes, episodes.ways),
        (episodes.support, episodes.supports),
        (episodes.support_labels, episodes.supports),
        (episodes.query, episodes.queries),
        (episodes.query_labels, episodes.queries),
    )
    if any(len(column) != size.sum() for column, size in columns):
        raise BenchError("a column is longer or shorter than the episodes together")
    numbers = np.arange(len(episodes))
    owners = [np.repeat(numbers, size) for size in sizes]
    _check_labels(episodes, images, image_classes, owners[1], query=False)
    _check_labels(episodes, images, image_classes, owners[2], query=True)
    _check_distinct(owners[0], episodes.classes, "class")
    rows = np.concatenate([episodes.support, episodes.query])
    _check_distinct(np.concatenate(owners[1:]), rows, "image")


def _check_labels(
    episodes: EpisodeList,
    images: NDArray[np.int64],
    image_classes: NDArray[np.int64],
    owner: NDArray[np.int64],
    *,
    query: bool,
) -> None:
    """Raises BenchError if a label is not that of its image's class; `owner` is its episode."""
    rows = episodes.query if query else episodes.support
    labels = episodes.query_labels if query else episodes.support_labels
    wrong = (labels < 0) | (labels >= episodes.ways[owner])
    _refuse(owner, wrong, "a label that is none of its ways")
    place = np.searchsorted(images, rows).clip(max=len(images) - 1)
    _refuse(owner, images[place] != rows, "an image that is not listed")
    starts = np.cumsum(episodes.ways) - episodes.ways
    named = episodes.classes[starts[owner] + labels]
    _refuse(owner, image_classes[place] != named, "an image under a label of another class")


def _check_distinct(owner: NDArray[np.int64], values: NDArray[np.int64], what: str) -> None:
    """Raises BenchError if an episode has a value twice."""
    order = np.lexsort((values, owner))
    owner, values = owner[order], values[order]
    again = (np.diff(owner, prepend=-1) == 0) & (np.diff(values, prepend=-1) == 0)
    _refuse(owner, again, f"the same {what} twice")


def _refuse(owner: NDArray[np.int64], wrong: NDArray[np.bool_], what: str) -> None:
    """Raises BenchError that names the first episode in which something is wrong."""
    if wrong.any():
        raise BenchError(f"episode {int(owner[wrong].min())} has {what}")

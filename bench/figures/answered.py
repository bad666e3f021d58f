"""Answered: a test episode with what a finished run answered to each query."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.episodeview import ClassView, EpisodeView
from bench.errors import BenchError
from bench.predictions import Predictions
from bench.results import PREDICTIONS_FILE

if TYPE_CHECKING:
    from bench.pool import ClassPool


@dataclass(frozen=True)
class Answered:
    """An episode, and the class that was said of each query, by class, in the order shown.

    Classes are numbered from 0 in the order of the episode.
    """

    episode: EpisodeView
    answers: tuple[tuple[int, ...], ...]

    @property
    def right(self) -> int:
        """How many answers are right."""
        return sum(said == own for own, row in enumerate(self.answers) for said in row)

    @property
    def asked(self) -> int:
        """How many queries there are."""
        return sum(map(len, self.answers))


def answered(pool: ClassPool, folder: Path, number: int, title: str) -> Answered:
    """Returns episode `number` of a run's test as the run's own file has it.

    `pool` is the test split that the run was tested on.

    Raises:
        BenchError: the run kept no predictions, they are no classes, or there are fewer episodes.
    """
    kept = Predictions.read(folder / PREDICTIONS_FILE)
    if kept.targets is not None:
        raise BenchError(f"{folder} answers with values, not with classes")
    if number >= len(kept):
        raise BenchError(f"{folder} has {len(kept)} episodes; the last is {len(kept) - 1}")
    one, until = kept.episodes.slice_of(number, number + 1), kept.episodes.query_ends
    said = kept.log_probabilities.argmax(1)[until[number] - one.queries[0] : until[number]]
    classes, answers = [], []
    for label, row in enumerate(one.classes.tolist()):
        support, query = (
            pool.inputs[rows[labels == label]]
            for rows, labels in ((one.support, one.support_labels), (one.query, one.query_labels))
        )
        classes.append(ClassView(pool.classes[row], support, query))
        answers.append(tuple(int(c) for c in said[np.asarray(one.query_labels == label)]))
    return Answered(EpisodeView(title, tuple(classes)), tuple(answers))

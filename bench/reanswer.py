"""Reanswer: what follows from answers given again, where those that a run kept are not at hand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from bench.agreement import judged_again
from bench.finished import FinishedRun
from bench.measurements import CheckedFigure
from bench.predictions import Predictions
from bench.recording import figures_of
from bench.recount import following
from bench.results import Outcome
from bench.testing import bases_of


def reanswered(
    outcome: Outcome, finished: FinishedRun, found: Predictions, known: Collection[str]
) -> Iterator[CheckedFigure]:
    """Yields the figures of an outcome that are not `known` yet, beside those of answers `found`.

    These are to give every episode the score that it had; the half-width, intervals and quality
    are then those of the same decisions, and of probabilities that were at most rounded otherwise.
    """
    job = finished.job
    full = replace(
        found,
        answers=found.answers.astype(np.float32),  # as a file holds them
        bases=bases_of(job),
        folds=job.test_protocol.folds,
        groups=job.tested.data.table("test").input_groups,
    )
    again = figures_of(full, outcome.quality.temperature if outcome.quality else None)
    for figure in following(outcome, again):
        if figure.name not in known:
            yield judged_again(figure)

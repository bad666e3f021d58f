"""What intervals are over: whether base classes, groups and folds are as in the dataset."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.agreement import Judgement
from bench.finished import FinishedRun
from bench.measurements import CheckedFigure
from bench.predictions import Predictions
from bench.testing import bases_of


def checked_bases(kept: Predictions, finished: FinishedRun) -> Iterator[CheckedFigure]:
    """Yields whether what intervals are over is as in the dataset: base classes, groups, folds."""
    job = finished.job
    groups = job.tested.data.table("test").input_groups
    if kept.bases is not None:
        yield _alike("base classes", kept.bases, bases_of(job), "classes")
    if kept.groups is not None or groups is not None:
        yield _alike("groups of inputs", kept.groups, groups, "inputs")
    if kept.folds or job.test_protocol.folds:
        pair = kept.folds, job.test_protocol.folds
        verdict: Judgement = "same" if pair[0] == pair[1] else "differs"
        yield CheckedFigure("folds", str(pair[0]), str(pair[1]), verdict)


def _alike(
    name: str, kept: NDArray[np.int64] | None, known: NDArray[np.int64] | None, of: str
) -> CheckedFigure:
    """Compares numbers that were kept with those of the data; None is that there are none."""
    same = kept is not None and known is not None and np.array_equal(kept, known)
    count = "none" if kept is None else f"of {len(kept)} {of}"
    verdict: Judgement = "same" if same else "differs"
    return CheckedFigure(name, count, "the same" if same else "others", verdict)

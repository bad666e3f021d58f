"""Courses: how trainings went, as learning curves show them, read from records.

No matplotlib and no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.figures.names import Naming, names_of
from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row, rows_of
from bench.measurements import CurvePoint
from bench.tasks import Metric


@dataclass(frozen=True)
class Course:
    """A training by its name: the looks on the way, of each seed."""

    name: str
    family: str
    metric: Metric
    seeds: tuple[tuple[CurvePoint, ...], ...]

    @property
    def is_validated(self) -> bool:
        """Whether there are scores; training on validation classes leaves none."""
        return all(point.score is not None for seed in self.seeds for point in seed)

    @property
    def mean(self) -> tuple[CurvePoint, ...]:
        """The mean over seeds of each step that all of them looked at."""
        common = sorted(set.intersection(*({p.step for p in seed} for seed in self.seeds)))
        by_step = [{point.step: point for point in seed} for seed in self.seeds]
        return tuple(_mean([points[step] for points in by_step]) for step in common)


def courses_of(trainings: Iterable[Entry], ways: int, shots: int) -> tuple[Course, ...]:
    """Returns the trainings at a size that have looks, seeds together, in the order given."""
    rows = [
        row
        for row in rows_of(trainings)
        if (row.first.record.protocol.ways, row.first.record.protocol.shots) == (ways, shots)
        and all(entry.record.training.curve for entry in row.entries)
    ]
    names = names_of([_naming(row) for row in rows])
    return tuple(
        Course(
            name,
            row.first.record.algorithm.family,
            row.metric,
            tuple(entry.record.training.curve for entry in row.entries),
        )
        for row, name in zip(rows, names, strict=True)
    )


def _naming(row: Row) -> Naming:
    record = row.first.record
    settings = "" if record.recipe else row.first.label.removeprefix(record.algorithm.name).strip()
    recipe = record.recipe.name if record.recipe else ""
    gpu = "" if record.environment.device.startswith("cpu") else "(GPU)"
    return Naming(record.algorithm.name, recipe, settings=settings, always=gpu)


def _mean(points: Sequence[CurvePoint]) -> CurvePoint:
    def mean(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if len(known) == len(values) else None

    return CurvePoint(
        points[0].step,
        float(np.mean([point.seconds for point in points])),
        float(np.mean([point.core_seconds for point in points])),
        float(np.mean([point.train_loss for point in points])),
        mean([point.score for point in points]),
        mean([point.loss for point in points]),
    )

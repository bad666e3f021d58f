"""A table as large as that of a whole suite: made up, and as near one another as real ones."""

from __future__ import annotations

import math

from bench.figures.courses import Course
from bench.figures.marks import Mark, Panel, Verdict
from bench.figures.names import Naming, names_of
from bench.measurements import CurvePoint
from bench.tasks import ACCURACY

_ROWS: tuple[tuple[str, str, str, float, float, Verdict, float | None], ...] = (
    ("chance", "floor", "floor", 0, 20.0, "inductive", None),
    ("pixels", "floor", "floor", 0, 37.5, "inductive", None),
    ("protonet", "random-features", "metric", 0, 57.9, "inductive", None),
    ("protonet", "paper", "metric", 50.9, 98.65, "inductive", 98.8),
    ("protonet", "cpu", "metric", 15.2, 98.54, "inductive", 98.8),
    ("maml", "cpu", "optimisation", 13.7, 94.91, "transductive", 98.7),
    ("maml", "cpu", "optimisation", 13.7, 93.36, "inductive", None),
    ("reptile", "cpu", "optimisation", 16.1, 92.4, "inductive", 95.39),
    ("reptile", "cpu", "optimisation", 16.1, 95.8, "transductive", 97.68),
    ("relationnet", "batch-cpu", "metric", 18.3, 97.9, "transductive", 99.6),
    ("relationnet", "cpu", "metric", 17.2, 96.6, "inductive", None),
    ("matchingnet", "cpu", "metric", 12.4, 97.6, "inductive", 98.1),
    ("matchingnet", "paper", "metric", 71.0, 97.8, "inductive", 98.1),
    ("anil", "cpu", "optimisation", 12.9, 93.9, "inductive", 95.4),
    ("fomaml", "cpu", "optimisation", 11.8, 94.2, "transductive", 98.3),
    ("fomaml", "cpu", "optimisation", 11.8, 92.1, "inductive", None),
    ("simpleshot", "cpu", "transfer", 14.6, 95.1, "inductive", None),
    ("r2d2", "cpu", "closed-form head", 17.8, 97.4, "inductive", None),
    ("baseline", "cpu", "transfer", 15.9, 88.2, "inductive", None),
    ("baseline++", "cpu", "transfer", 16.4, 94.4, "inductive", None),
    ("metaoptnet", "cpu", "closed-form head", 19.4, 97.2, "inductive", None),
    ("soft-kmeans", "cpu", "transductive", 14.1, 98.7, "transductive", None),
    ("tadam", "cpu", "task embedding", 18.9, 97.1, "inductive", None),
    ("metasgd", "cpu", "optimisation", 15.5, 95.4, "transductive", 99.5),
    ("mamlpp", "cpu", "optimisation", 17.4, 96.1, "transductive", 99.47),
    ("cavia", "cpu", "task embedding", 12.1, 91.3, "inductive", None),
    ("snail", "cpu", "memory", 19.7, 94.8, "inductive", 99.07),
    ("mann", "cpu", "memory", 18.6, 86.1, "inductive", 82.8),
    ("l2l-protonet", "cpu", "metric", 14.9, 98.4, "inductive", None),
    ("l2l-maml", "cpu", "optimisation", 14.4, 94.6, "transductive", 98.7),
    ("l2l-fomaml", "cpu", "optimisation", 11.2, 93.1, "transductive", None),
    ("l2l-anil", "cpu", "optimisation", 12.6, 93.5, "inductive", None),
    ("l2l-reptile", "cpu", "optimisation", 13.2, 90.7, "transductive", None),
    ("l2l-metasgd", "cpu", "optimisation", 15.0, 95.0, "transductive", None),
    ("l2l-kfo", "cpu", "optimisation", 16.8, 93.7, "transductive", None),
    ("l2l-metacurvature", "cpu", "optimisation", 17.0, 94.1, "transductive", None),
)
"""Method, recipe, family, minutes, accuracy, setting, and the published number."""


def whole_panel(title: str = "5-way 1-shot", rows: int = len(_ROWS), harder: float = 1.0) -> Panel:
    """Returns the first rows as a panel; of a `harder` test each has so many times the errors."""
    shown = _ROWS[:rows]
    modes = [Naming(row[0], f"omniglot/{row[0]}-{row[1]}", aside=row[5]) for row in shown]
    marks = []
    for row, name in zip(shown, names_of(modes), strict=True):
        _, _, family, minutes, score, verdict, published = row
        wrong = min((100 - score) / 100 * harder, 0.95)
        width = 0.0015 + 0.04 * wrong
        number = None if published is None else 1 - (100 - published) / 100 * harder
        ends = (1 - wrong - width, min(1 - wrong + width, 1.0))
        mark = Mark(name, family, minutes, 1 - wrong, *ends, verdict, published=number)
        marks.append(mark)
    return Panel(title, ACCURACY, tuple(marks))


def whole_courses() -> list[Course]:
    """Returns a training of each row, whose score rises to the row's."""
    trained = {row[:2]: row for row in _ROWS if row[3] > 0}
    names = names_of([Naming(m, f"omniglot/{m}-{recipe}") for m, recipe in trained])
    found = []
    for number, (row, name) in enumerate(zip(trained.values(), names, strict=True)):
        seeds = 3 if name == "protonet cpu" else 1
        curves = tuple(_curve(row[3], row[4] / 100, number + 50 * seed) for seed in range(seeds))
        found.append(Course(name, row[2], ACCURACY, curves))
    return found


def _curve(minutes: float, score: float, number: int) -> tuple[CurvePoint, ...]:
    looks = 10
    return tuple(
        CurvePoint(
            100 * look,
            0.0,
            60 * minutes * look / looks,
            1 / look,
            1 - (1 - score) * (looks / look) ** 0.6 * (1 + 0.06 * math.sin(number + 2.4 * look)),
        )
        for look in range(1, looks + 1)
    )

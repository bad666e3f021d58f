"""Courses: looks by seed, and their mean where all seeds looked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.figures.courses import Course, courses_of
from bench.leaderboard.entry import Entry
from bench.measurements import CurvePoint, RecipeRecord
from bench.tasks import ACCURACY
from tests.bench.written_runs import Records, with_parts

CURVE = (CurvePoint(10, 2.0, 1.0, 0.9, 0.5, 1.1), CurvePoint(20, 4.0, 3.0, 0.7, 0.7, 0.8))


def entry(make_record: Records, algorithm: str = "protonet", **training: object) -> Entry:
    record = with_parts(make_record(algorithm), training={"curve": CURVE, **training})
    return Entry(Path(algorithm), record)


def test_seeds_of_a_training_are_one_course(make_record: Records) -> None:
    runs = [entry(make_record, seed=seed) for seed in (1, 0)] + [entry(make_record, "maml")]
    first, second = courses_of(runs, 5, 1)
    assert (first.name, first.family, len(first.seeds)) == ("protonet", "metric", 2)
    assert (second.name, len(second.seeds)) == ("maml", 1)


def test_another_size_and_what_has_no_looks_are_left_out(make_record: Records) -> None:
    runs = [entry(make_record), entry(make_record, "maml", curve=())]
    assert [course.name for course in courses_of(runs, 5, 1)] == ["protonet"]
    assert courses_of(runs, 5, 5) == ()


def test_the_mean_is_that_of_the_steps_at_which_all_seeds_looked() -> None:
    other = (CurvePoint(10, 4.0, 2.0, 0.7, 0.7, 0.9), CurvePoint(15, 9.0, 9.0, 0.1, 0.9, 0.1))
    (mean,) = Course("a", "b", ACCURACY, (CURVE, other)).mean
    assert (mean.step, mean.seconds, mean.core_seconds) == (10, 3.0, 1.5)
    assert (mean.train_loss, mean.score, mean.loss) == pytest.approx((0.8, 0.6, 1.0))


def test_a_training_on_the_validation_classes_is_not_validated() -> None:
    bare = (CurvePoint(10, 2.0, 1.0, 0.9),)
    assert Course("a", "b", ACCURACY, (CURVE,)).is_validated
    course = Course("a", "b", ACCURACY, (bare, bare))
    assert not course.is_validated
    assert course.mean[0].score is None


def test_two_recipes_and_a_gpu_are_named(make_record: Records) -> None:
    def made(budget: str, device: str = "cpu") -> Entry:
        one = entry(make_record, meta_batch=len(budget))
        record = with_parts(one.record, environment={"device": device})
        recipe = RecipeRecord(f"omniglot/protonet-{budget}", "r")
        return Entry(Path(budget), replace(record, recipe=recipe))

    courses = courses_of([made("paper", "cuda"), made("cpu")], 5, 1)
    assert [course.name for course in courses] == ["protonet paper (GPU)", "protonet cpu"]

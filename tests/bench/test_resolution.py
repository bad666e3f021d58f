"""What the user did not say: completed by dataset, plan and the size of the images."""

from __future__ import annotations

import pytest

from bench.algorithm import TrainingPlan
from bench.config import RunConfig
from bench.episodes import EpisodeProtocol
from bench.resolution import resolve_plan

TEST = EpisodeProtocol(5, 1, 15)


@pytest.mark.parametrize(
    ("shape", "test_ways", "classes", "expected"),
    [
        ((1, 28, 28), 5, 1000, 60),
        ((3, 32, 32), 5, 1000, 60),
        ((3, 84, 84), 5, 1000, 20),
        ((3, 84, 84), 30, 1000, 30),
        ((3, 84, 84), 5, 12, 12),
        ((40_000,), 5, 1000, 60),
    ],
)
def test_training_on_photos_has_twenty_ways_at_most(
    shape: tuple[int, ...], test_ways: int, classes: int, expected: int
) -> None:
    plan, test = TrainingPlan(ways=60), EpisodeProtocol(test_ways, 1, 15)
    assert resolve_plan(RunConfig("a", "b"), plan, test, classes, shape).ways == expected


def test_what_the_user_asks_for_stays() -> None:
    asked = RunConfig("a", "b", train_ways=45)
    assert resolve_plan(asked, TrainingPlan(ways=60), TEST, 100, (3, 84, 84)).ways == 45


def test_a_plan_without_ways_trains_as_it_tests() -> None:
    assert resolve_plan(RunConfig("a", "b"), TrainingPlan(), TEST, 100, (3, 84, 84)).ways == 5

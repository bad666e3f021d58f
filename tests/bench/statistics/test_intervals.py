"""Intervals of predictions: their order, their words, and when they cast doubt."""

from __future__ import annotations

import numpy as np
import pytest

from bench.measurements import IntervalRecord
from bench.predictions import Predictions
from bench.statistics.disjoint import SAME
from bench.statistics.intervals import MEANINGS, doubt, headline, interval_text, intervals
from bench.tasks import ACCURACY, MSE
from tests.bench.statistics.population import Population, Scored, TestSet


def predictions_of(scored: Scored) -> Predictions:
    """Predictions with these scores: as many of an episode's queries as that get their label."""
    episodes = scored.episodes
    ways, queries = int(episodes.ways[0]), int(episodes.queries[0])
    right = np.arange(queries) < np.round(scored.scores * queries)[:, None]
    guesses = (episodes.query_labels + ~right.ravel()) % ways
    return Predictions(episodes, np.eye(ways)[guesses].ravel())


def world(seed: int = 0) -> TestSet:
    return TestSet(Population(), np.random.default_rng(seed), classes=40, images=8)


def record(over: str, low: float, high: float, n: int = 600) -> IntervalRecord:
    return IntervalRecord(over, low, high, n, "a formula")


def test_they_come_in_the_order_episodes_images_classes() -> None:
    scored = world().test(200)
    predictions = predictions_of(scored)
    assert predictions.scores == pytest.approx(scored.scores)
    found = intervals(predictions)
    assert [one.over for one in found] == ["episodes", "images", "classes"]
    assert all(one.low <= scored.scores.mean() <= one.high for one in found)
    assert found[0].n == 200
    assert found[2].n == 40
    assert {one.over for one in found} < set(MEANINGS)


def test_on_disjoint_episodes_the_interval_over_images_is_the_headline() -> None:
    found = intervals(predictions_of(world().test_disjoint()))
    closed, images = found[:2]
    assert (images.low, images.high, images.n) == (closed.low, closed.high, closed.n)
    assert images.formula == SAME


def test_base_classes_reach_the_intervals_over_images_and_classes() -> None:
    predictions = predictions_of(world().test(200, ways=2))
    alone, together = intervals(predictions), intervals(predictions, np.arange(40) // 4)
    assert together[0] == alone[0]
    assert together[1].n < alone[1].n
    assert together[2].n == 10


def test_equal_scores_say_nothing_of_images_and_classes() -> None:
    scored = world().test(50)
    found = intervals(predictions_of(Scored(scored.episodes, np.ones(50))))
    assert [one.over for one in found] == ["episodes"]
    assert 1 - found[0].low == pytest.approx(1 - 0.05 ** (1 / 50))


def test_one_episode_alone_has_none_and_the_headline_says_so() -> None:
    assert intervals(predictions_of(world().test(1))) == ()
    assert "one episode alone" in headline(0.5, (), ACCURACY)
    assert doubt((), ACCURACY) == ""


def test_regression_has_no_accuracy_but_the_same_intervals() -> None:
    scored = world().test(60, ways=1)
    rng = np.random.default_rng(0)
    count = len(scored.episodes.query)
    truth = rng.standard_normal((count, 1)).astype(np.float32)
    answers = (truth.ravel() + rng.standard_normal(count)).astype(np.float32)
    predictions = Predictions(scored.episodes, answers, truth)
    found = intervals(predictions)
    assert [one.over for one in found] == ["episodes", "images", "classes"]
    assert "bootstrap" in found[0].formula
    assert all(one.low < predictions.scores.mean() < one.high for one in found)


def test_a_symmetric_interval_is_written_with_its_half_width_and_others_with_their_ends() -> None:
    assert interval_text(0.9767, record("episodes", 0.9746, 0.9788), ACCURACY) == "97.67% ± 0.21"
    skewed = record("episodes", 0.9965, 0.9986)
    assert interval_text(0.9977, skewed, ACCURACY) == "99.77% (99.65 to 99.86)"
    assert (
        interval_text(1.0, record("episodes", 0.995, 1.0), ACCURACY) == "100.00% (99.50 to 100.00)"
    )
    assert interval_text(4.6, record("episodes", 4.3, 4.9), MSE) == "4.6000 ± 0.3000"
    narrow = record("episodes", 0.2, 0.2 + 1e-12)  # rounding of a sum: nothing to see
    assert interval_text(0.2, narrow, ACCURACY) == "20.00% ± 0.00"


def test_the_headline_says_over_how_many_of_what() -> None:
    assert headline(0.5, [record("episodes", 0.49, 0.51)], ACCURACY) == (
        "50.00% ± 1.00 (95% interval over 600 episodes of the same test data)"
    )


def test_doubt_is_cast_if_another_draw_of_classes_moves_the_mean_much_more() -> None:
    closed, images = record("episodes", 0.496, 0.504), record("images", 0.47, 0.53)
    much, little = record("classes", 0.4895, 0.5105), record("classes", 0.495, 0.505)
    assert doubt([closed, images, much], ACCURACY) == (
        "another draw of test classes and examples would move this mean by ±1.05, not ±0.40"
    )
    assert doubt([closed, images, little], ACCURACY) == ""
    assert doubt([closed, images], ACCURACY) == (
        "another draw of test examples could move this mean by up to ±3.00, not ±0.40"
    )
    assert "test functions" in doubt([closed, much], MSE)
    assert doubt([closed], ACCURACY) == ""

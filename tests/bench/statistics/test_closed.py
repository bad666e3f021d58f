"""Over episodes: which formula where, and what to say when all episodes agree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.predictions import Predictions
from bench.statistics.bootstrap import bca_ends
from bench.statistics.closed import CONSTANT, is_constant, over_episodes
from bench.tasks import ACCURACY, MSE
from tests.bench.statistics.population import Population, TestSet

RNG = np.random.default_rng(0)


def test_many_episodes_away_from_the_ends_get_students_t() -> None:
    scores = RNG.uniform(0.4, 0.9, size=300)
    record = over_episodes(scores, ACCURACY)
    low, high = stats.t.interval(0.95, 299, loc=scores.mean(), scale=stats.sem(scores))
    assert (record.low, record.high) == pytest.approx((low, high), abs=1e-12)
    assert (record.over, record.n) == ("episodes", 300)
    assert "t(0.975, n-1)" in record.formula


@pytest.mark.parametrize(
    "scores",
    [
        pytest.param(np.repeat([1.0, 0.96], [180, 20]), id="mean above 98%"),
        pytest.param(np.repeat([0.0, 0.04], [180, 20]), id="mean below 2%"),
        pytest.param(RNG.uniform(0.4, 0.9, size=40), id="forty episodes"),
    ],
)
def test_at_the_ends_and_for_few_episodes_it_is_the_bootstrap(scores: np.ndarray) -> None:
    record, ends = over_episodes(scores, ACCURACY), bca_ends(scores)
    assert (record.low, record.high) == (ends.low, ends.high)
    assert "bootstrap" in record.formula


def test_an_error_below_two_percent_is_not_near_an_end_of_its_scale() -> None:
    assert "t(0.975" in over_episodes(RNG.uniform(0, 0.01, size=200), MSE).formula


def test_the_interval_of_very_few_episodes_stays_within_the_scale() -> None:
    # t(0.975, 1) = 12.7: far beyond both ends
    record = over_episodes(np.array([0.2, 0.9]), ACCURACY)
    assert (record.low, record.high) == (0.0, 1.0)
    assert over_episodes(np.array([1.0, 9.0]), MSE).low == 0.0


@pytest.mark.parametrize(
    ("score", "low", "high"),
    [
        # 1 - 0.05^(1/100) = 0.0295130
        (1.0, 0.970487, 1.0),
        (0.0, 0.0, 0.029513),
        (0.2, 0.2 * 0.970487, 0.2 + 0.8 * 0.029513),
    ],
)
def test_a_hundred_equal_accuracies_bound_what_others_could_be(
    score: float, low: float, high: float
) -> None:
    record = over_episodes(np.full(100, score), ACCURACY)
    assert (record.low, record.high) == pytest.approx((low, high), abs=1e-6)
    assert "rule of three" in record.formula


def test_the_bound_is_close_to_three_by_the_number_of_episodes() -> None:
    record = over_episodes(np.ones(1000), ACCURACY)
    assert 1 - record.low == pytest.approx(3 / 1000, rel=0.005)


def alike(queries: int, same: bool, balanced: bool = True) -> Predictions:
    """Four episodes of two ways; class 0 has the greater logit for every query."""
    world = TestSet(Population(), np.random.default_rng(0), classes=6, images=queries + 1)
    episodes = world.test(4, ways=2, queries=queries).episodes
    answers = np.tile([1.0, 0.0], (len(episodes.query), 1))
    if not same:
        answers[0, 0] = 2.0
    if not balanced:
        episodes.query_labels[0] = 1
    return Predictions(episodes, answers.ravel())


def test_an_answer_that_ignores_the_query_scores_the_same_by_construction() -> None:
    predictions = alike(3, same=True)
    assert is_constant(predictions)
    record = over_episodes(predictions.scores, ACCURACY, constant=True)
    assert (record.low, record.high, record.formula) == (0.5, 0.5, CONSTANT)


def test_answers_that_differ_or_unequal_classes_are_no_constant() -> None:
    assert not is_constant(alike(3, same=False))
    assert not is_constant(alike(3, same=True, balanced=False))

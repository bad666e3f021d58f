"""Probabilities and the temperature that mends them, against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from bench.calibration import COLDEST, HOTTEST, Certainty, fit_temperature
from bench.predictions import Predictions
from tests.bench.predicted import decided, predicted, random_ragged, stated


def calibrated(rng: np.random.Generator, ways: int = 5, queries: int = 40_000) -> Predictions:
    """Logits, and labels that are drawn with just the probabilities these logits state."""
    logits = rng.normal(scale=1.5, size=(queries, ways))
    chances = softmax(logits, axis=1).cumsum(1)
    labels = (rng.random((queries, 1)) > chances).sum(1)
    return predicted((logits, np.minimum(labels, ways - 1).tolist()))


def test_nll_and_brier_are_those_worked_out_by_hand() -> None:
    """Three ways; probabilities 0.5, 0.25, 0.25 with label 0, and 0.2, 0.2, 0.6 with label 1."""
    logits = np.log([[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]])
    found = Certainty.of(predicted((logits, [0, 1])))
    assert found.nll == pytest.approx(-(np.log(0.5) + np.log(0.2)) / 2)
    first, second = 0.5**2 + 0.25**2 + 0.25**2, 0.2**2 + 0.8**2 + 0.6**2
    assert found.brier == pytest.approx((first + second) / 2)


def test_a_confident_mistake_costs_two_in_brier_and_the_log_of_1e_12_in_nll() -> None:
    found = Certainty.of(stated((1.0, False)))
    assert found.brier == pytest.approx(2.0)
    assert found.nll == pytest.approx(12 * np.log(10))


def test_guessing_at_n_ways_costs_log_n() -> None:
    for ways in (2, 5, 20):
        found = Certainty.of(predicted((np.zeros((7, ways)), [0, 1] * 3 + [0])))
        assert found.nll == pytest.approx(np.log(ways))
        assert found.brier == pytest.approx(1 - 1 / ways)
        assert found.confidence == pytest.approx(1 / ways)


def test_ways_that_an_episode_does_not_have_take_no_part() -> None:
    small, large = ([[1.0, 0.0]], [0]), ([[1.0, 0.0, 2.0, 0.5]], [2])
    both = Certainty.of(predicted(small, large), 3.0)
    apart = [Certainty.of(predicted(one), 3.0) for one in (small, large)]
    assert both.nll == pytest.approx(sum(one.nll for one in apart) / 2)
    assert both.brier == pytest.approx(sum(one.brier for one in apart) / 2)


def test_a_temperature_divides_the_logits() -> None:
    logits = np.array([[2.0, 0.0, 1.0]])
    found = Certainty.of(predicted((logits, [1])), 4.0)
    assert np.exp(found.log_probabilities) == pytest.approx(softmax(logits / 4, axis=1))


@pytest.mark.parametrize("factor", [0.1, 0.5, 1.0, 3.0, 20.0])
def test_logits_of_a_calibrated_model_times_c_have_temperature_c(factor: float) -> None:
    made = calibrated(np.random.default_rng(0))
    scaled = Predictions(made.episodes, made.answers * factor)
    assert fit_temperature(made) == pytest.approx(1.0, abs=0.02)
    assert fit_temperature(scaled) == pytest.approx(factor * fit_temperature(made), rel=1e-4)


def test_the_fitted_temperature_has_the_least_nll_of_a_fine_grid() -> None:
    made = random_ragged(np.random.default_rng(1), 60)
    found = fit_temperature(made)
    grid = np.exp(np.linspace(np.log(COLDEST), np.log(HOTTEST), 2001))
    losses = [Certainty.of(made, t).nll for t in grid]
    assert np.log(found) == pytest.approx(np.log(grid[np.argmin(losses)]), abs=0.006)
    assert Certainty.of(made, found).nll <= min(losses) + 1e-9


def test_without_a_mistake_the_temperature_stays_within_its_limits() -> None:
    found = fit_temperature(decided((3, [0, 1, 2], [0, 1, 2])))
    assert COLDEST <= found < 0.1


def test_where_no_temperature_makes_a_difference_it_is_one() -> None:
    assert fit_temperature(predicted((np.zeros((4, 5)), [0, 1, 2, 3]))) == 1.0


def test_a_regression_has_no_temperature() -> None:
    listed = decided((1, [0], [0])).episodes
    values = np.zeros(1, dtype=np.float32)
    with pytest.raises(ValueError, match="no temperature"):
        fit_temperature(Predictions(listed, values, np.zeros((1, 1), dtype=np.float32)))

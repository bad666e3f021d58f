"""Over training seeds, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.statistics import t_interval
from bench.statistics.trainingseeds import over_seeds, over_seeds_and_episodes
from bench.tasks import ACCURACY


def test_three_seeds_give_the_t_interval_of_two_degrees_of_freedom() -> None:
    # s = 0.01, t(0.975, 2) = 4.302653: 4.302653 * 0.01 / sqrt(3) = 0.024841
    record = over_seeds(np.array([0.89, 0.90, 0.91]), ACCURACY)
    assert record is not None
    assert (record.low, record.high) == pytest.approx((0.875159, 0.924841), abs=1e-6)
    assert (record.over, record.n) == ("seeds", 3)


def test_one_seed_has_no_spread() -> None:
    assert over_seeds(np.array([0.9]), ACCURACY) is None
    assert over_seeds_and_episodes(np.ones((1, 50)), ACCURACY) is None


def test_over_both_the_squares_of_the_half_widths_are_added() -> None:
    scores = np.random.default_rng(0).uniform(0.4, 0.6, size=(4, 30))
    seeds, episodes = t_interval(scores.mean(1)), t_interval(scores.mean(0))
    record = over_seeds_and_episodes(scores, ACCURACY)
    assert record is not None
    expected = (seeds.half_width**2 + episodes.half_width**2) ** 0.5
    assert record.half_width == pytest.approx(expected)
    assert record.over == "seeds and episodes"


def test_the_interval_does_not_leave_the_scale() -> None:
    record = over_seeds(np.array([0.95, 0.99]), ACCURACY)
    assert record is not None
    assert record.high == 1.0

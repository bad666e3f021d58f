"""Student's t: against a table of Student's t and against SciPy's own interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.statistics import t_interval


def test_the_interval_of_five_numbers_is_the_one_computed_by_hand() -> None:
    # s = sqrt(10 / 4) = 1.581139; t(0.975, 4) = 2.776445; 2.776445 * 1.581139 / sqrt(5) = 1.963243
    interval = t_interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert interval.mean == 3.0
    assert interval.std == pytest.approx(math.sqrt(2.5), abs=1e-12)
    assert interval.half_width == pytest.approx(1.963243, abs=1e-6)
    assert interval.n == 5


def test_two_numbers_give_the_interval_of_one_degree_of_freedom() -> None:
    # s = sqrt(2), so the half-width is t(0.975, 1) = 12.706205 * sqrt(2) / sqrt(2)
    assert t_interval(np.array([0.0, 2.0])).half_width == pytest.approx(12.706205, abs=1e-5)


def test_many_numbers_give_the_interval_that_scipy_gives() -> None:
    values = np.random.default_rng(0).uniform(size=600)
    interval = t_interval(values)
    low, high = stats.t.interval(0.95, 599, loc=values.mean(), scale=stats.sem(values))
    assert interval.mean - interval.half_width == pytest.approx(low, abs=1e-12)
    assert interval.mean + interval.half_width == pytest.approx(high, abs=1e-12)


def test_one_number_has_an_interval_without_end() -> None:
    interval = t_interval(np.array([0.25]))
    assert interval.mean == 0.25
    assert interval.half_width == math.inf
    assert interval.n == 1


def test_equal_numbers_have_no_spread() -> None:
    assert t_interval(np.full(10, 0.5)).half_width == 0.0


def test_the_interval_says_how_it_was_computed() -> None:
    formula = t_interval(np.array([0.0, 1.0])).formula
    assert "t(0.975, n-1)" in formula and "ddof 1" in formula

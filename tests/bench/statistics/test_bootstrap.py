"""The bootstrap: against SciPy's BCa, and where its correction must lean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.statistics import t_interval
from bench.statistics.bootstrap import bca_ends


def test_for_many_skewed_values_the_ends_are_those_of_scipys_bca() -> None:
    values = np.random.default_rng(3).exponential(size=400)
    other = stats.bootstrap((values,), np.mean, n_resamples=9999, method="BCa", rng=1)
    ours, reach = bca_ends(values), other.confidence_interval
    width = reach.high - reach.low  # the ends of resamplings differ by a few per cent of it
    assert ours.low == pytest.approx(reach.low, abs=0.05 * width)
    assert ours.high == pytest.approx(reach.high, abs=0.05 * width)


def test_for_a_dozen_symmetric_values_it_is_about_as_long_as_students_t() -> None:
    values = np.linspace(0.2, 0.8, 12)
    ends, student = bca_ends(values), t_interval(values)
    assert ends.high - ends.low == pytest.approx(2 * student.half_width, rel=0.06)
    assert (ends.high + ends.low) / 2 == pytest.approx(0.5, abs=0.01)


def test_below_the_ceiling_the_lower_end_is_further_away() -> None:
    values = np.array([1.0] * 95 + [0.8] * 4 + [0.4])
    ends = bca_ends(values)
    assert values.mean() - ends.low > 1.3 * (ends.high - values.mean())
    assert ends.high <= 1


def test_the_same_values_give_the_same_ends_and_another_seed_nearly() -> None:
    values = np.random.default_rng(3).uniform(size=50)
    assert bca_ends(values) == bca_ends(values)
    assert bca_ends(values) != bca_ends(values, seed=1)
    assert bca_ends(values, seed=1).low == pytest.approx(bca_ends(values).low, abs=0.01)


def test_two_values_far_apart_give_ends_between_them() -> None:
    ends = bca_ends(np.array([0.0] * 9 + [1.0]))
    assert 0 <= ends.low < 0.1 < ends.high <= 1

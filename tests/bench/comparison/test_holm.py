"""Holm's correction, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.comparison.holm import holm


def test_the_smallest_counts_m_times_the_next_once_less_and_none_falls_back() -> None:
    # sorted: 0.01 * 4 = 0.04, 0.02 * 3 = 0.06, 0.024 * 2 = 0.048 -> 0.06, 0.9 * 1
    adjusted = holm(np.array([0.02, 0.9, 0.01, 0.024]))
    assert adjusted.tolist() == pytest.approx([0.06, 0.9, 0.04, 0.06])


def test_no_p_is_above_one_and_a_single_one_is_left_alone() -> None:
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]
    assert holm(np.array([0.03])).tolist() == [0.03]


def test_of_true_hypotheses_any_is_rejected_in_at_most_5_percent_of_families() -> None:
    rng = np.random.default_rng(0)
    rejected = [(holm(rng.uniform(size=10)) < 0.05).any() for _ in range(2000)]
    # 1 - (1 - 0.005)^10 = 4.9% for independent p-values; 3 standard errors are 1.5%
    assert 0.034 < np.mean(rejected) < 0.064

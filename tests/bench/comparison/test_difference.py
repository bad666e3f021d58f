"""Differences of means, against scipy.stats, which this code does not use."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.comparison.difference import paired, paired_p, welch

RNG = np.random.default_rng(0)
EASY = RNG.normal(0, 0.1, 40)
A = 0.7 + EASY + RNG.normal(0, 0.03, 40)
B = 0.68 + EASY + RNG.normal(0, 0.03, 40)


def test_paired_is_scipys_t_test_of_related_samples() -> None:
    found, expected = paired(A, B), stats.ttest_rel(A, B)
    interval = expected.confidence_interval(0.95)
    assert found.mean == pytest.approx((A - B).mean())
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.p == pytest.approx(expected.pvalue)
    assert found.correlation == pytest.approx(stats.pearsonr(A, B).statistic)
    assert found.effect == pytest.approx((A - B).mean() / (A - B).std(ddof=1))


def test_welch_is_scipys_t_test_of_unequal_variances() -> None:
    other = RNG.normal(0.5, 0.3, 17)
    found, expected = welch(A, other), stats.ttest_ind(A, other, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.p == pytest.approx(expected.pvalue)
    assert found.correlation is None and found.effect is None


def test_pairing_narrows_the_interval_where_runs_find_the_same_episodes_hard() -> None:
    assert paired(A, B).half_width < welch(A, B).half_width / 2


def test_equal_runs_do_not_differ_and_a_constant_gap_is_certain() -> None:
    same, gap = paired(A, A.copy()), paired(A, A - 0.25)
    assert (same.mean, same.half_width, same.p, same.effect) == (0.0, 0.0, 1.0, None)
    assert same.correlation == pytest.approx(1.0)
    assert gap.mean == pytest.approx(0.25)
    assert (gap.half_width, gap.p) == (0.0, 0.0)


def test_one_episode_tells_nothing() -> None:
    for found in (paired(A[:1], B[:1]), welch(A[:1], B[:5])):
        assert found.half_width == float("inf")
        assert np.isnan(found.p)


def test_a_run_that_never_varies_has_no_correlation() -> None:
    found = paired(A, np.full(40, 0.2))
    assert found.correlation is None
    assert found.p == pytest.approx(stats.ttest_1samp(A, 0.2).pvalue)


def test_all_pairs_at_once_are_the_pairs_one_by_one() -> None:
    scores = np.stack([A, B, A + 0.01, np.full(40, 0.2), A], axis=1)
    p = paired_p(scores)
    for i in range(5):
        for j in range(5):
            expected = paired(scores[:, i], scores[:, j]).p
            assert p[i, j] == pytest.approx(expected, rel=1e-6, abs=1e-300), (i, j)

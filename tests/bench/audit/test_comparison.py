"""Comparisons, by numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.audit.comparison import compare


def test_changes_flips_and_scores_are_those_of_the_same_queries() -> None:
    plain = np.array([[0.7, 0.3], [0.6, 0.4], [0.2, 0.8]])
    other = np.array([[0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    seen = compare(other, plain, np.array([0, 0, 1]))
    assert seen.largest == pytest.approx(0.3)
    assert seen.square == pytest.approx((2 * 0.01 + 2 * 0.09) / 6)
    assert (seen.flips, seen.asked) == (1, 3)
    assert seen.score == pytest.approx(2 / 3)
    assert seen.plainly == 1.0


def test_a_tie_that_turns_is_no_flip() -> None:
    plain = np.array([[0.5004, 0.4996], [0.5006, 0.4994]])  # 0.0008 and 0.0012 apart
    seen = compare(plain[:, ::-1], plain, np.array([0, 0]))
    assert seen.flips == 1


def test_values_are_measured_by_the_largest_and_judged_by_their_squared_error() -> None:
    plain, other = np.array([[-4.0], [1.0]]), np.array([[-4.0], [1.2]])
    seen = compare(other, plain, np.array([[-4.0], [0.0]], dtype=np.float32))
    assert seen.largest == pytest.approx(0.2 / 4)
    assert (seen.flips, seen.asked) == (0, 2)
    assert seen.score == pytest.approx(1.44 / 2)
    assert seen.plainly == pytest.approx(0.5)


def test_answers_that_are_not_finite_have_moved_far_and_can_be_written() -> None:
    plain = np.array([[0.7, 0.3]])
    seen = compare(np.array([[np.nan, np.nan]]), plain, np.array([0]))
    assert 1 < seen.largest < np.inf
    assert np.isfinite(seen.square)

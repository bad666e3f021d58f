"""The sign-flip test: against all signs one by one, against t, and under no difference."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from bench.comparison.signflip import FLIPS, flips_for, sign_flip_p


def exact(differences: np.ndarray) -> float:
    """Returns p by every one of the 2^n signs, with sums of fractions compared as equal."""
    signs = itertools.product((-1, 1), repeat=len(differences))
    sums = [abs(sum(s * d for s, d in zip(sign, differences, strict=True))) for sign in signs]
    seen = abs(differences.sum())
    return float(np.mean([one >= seen - 1e-12 for one in sums]))


@pytest.mark.parametrize("seed", range(3))
def test_p_is_that_of_all_signs_up_to_chance(seed: int) -> None:
    differences = np.random.default_rng(seed).normal(0.3, 1, 10)
    (found,) = sign_flip_p(differences[:, None], np.random.default_rng(0))
    p = exact(differences)
    assert found == pytest.approx(p, abs=4 * (p * (1 - p) / FLIPS) ** 0.5 + 1e-4)


def test_sums_that_tie_count_as_far() -> None:
    """Accuracies are multiples of 1/75: of 0.2, 0.1, -0.3 with any signs many sums are equal."""
    differences = np.array([0.1, 0.2, 0.1, 0.2, 0.1, 0.2, -0.3])
    (found,) = sign_flip_p(differences[:, None], np.random.default_rng(0))
    assert found == pytest.approx(exact(differences), abs=0.02)


def test_no_difference_at_all_is_p_one_and_p_is_never_zero() -> None:
    differences = np.stack([np.zeros(50), np.ones(50)], axis=1)
    assert sign_flip_p(differences, np.random.default_rng(0)).tolist() == [1.0, 1 / (FLIPS + 1)]


def test_on_many_episodes_p_is_students() -> None:
    differences = np.random.default_rng(1).normal(0.02, 0.3, 600)
    (found,) = sign_flip_p(differences[:, None], np.random.default_rng(0))
    assert found == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.02)


def test_a_pair_has_the_same_p_whichever_others_are_asked_with_it() -> None:
    differences = np.random.default_rng(1).normal(0.02, 0.3, (60, 3))
    together = sign_flip_p(differences, np.random.default_rng(0))
    alone = sign_flip_p(differences[:, 1:2], np.random.default_rng(0))
    assert together[1] == alone[0]


def test_without_a_difference_p_is_below_5_percent_in_5_percent() -> None:
    differences = np.random.default_rng(2).normal(0, 1, (30, 2000))
    p = sign_flip_p(differences, np.random.default_rng(0), 2000)
    assert 0.035 < (p < 0.05).mean() < 0.065  # 3 standard errors


def test_flips_suffice_for_holm_over_all_pairs() -> None:
    assert flips_for(1) == 10_000
    for pairs in (1, 45, 1770):
        assert pairs / (flips_for(pairs) + 1) < 0.01

"""The figures on strangers: by another implementation, and on features that leave no doubt."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.strangers import STRANGERS, TASKS, WAYS, Asked, tasks


def test_the_area_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    own, others = rng.normal(0, 1, 40), rng.normal(0.7, 1, 70)
    truth = np.r_[np.zeros(40), np.ones(70)]
    expected = roc_auc_score(truth, np.r_[own, others])
    assert Asked(own, others).area == pytest.approx(expected)


def test_classes_at_right_angles_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    features = np.repeat(np.eye(9), 8, 0) + 0.01 * rng.standard_normal((72, 9))
    asked = tasks(features, np.arange(0, 73, 8), shots=4)
    assert asked.others.shape == (TASKS * min(STRANGERS, 32),)
    assert asked.own.shape == (TASKS * WAYS * 4,)
    assert asked.area == 1
    assert (asked.others > 1).all() and (asked.own > 1).mean() < 0.15

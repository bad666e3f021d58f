"""Metrics of predictions, against figures worked out by hand and definitions written as loops."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bench.calibration import Certainty
from bench.measurements import QualityRecord
from bench.metrics import BINS, calibration_error, quality
from bench.predictions import Predictions
from tests.bench.predicted import decided, predicted, random_ragged, stated


def test_f1_and_balanced_accuracy_of_one_episode_are_those_worked_out_by_hand() -> None:
    """Labels 0 0 0 1 1 2, answered 0 0 1 1 2 2.

    Recalls are 2/3, 1/2 and 1; precisions 1, 1/2 and 1/2; so F1 is 4/5, 1/2 and 2/3.
    """
    found = quality(decided((3, [0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 2])))
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert found.macro_f1 == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)


def test_they_are_averaged_over_episodes_and_classes_are_not_pooled() -> None:
    """All right in one episode, all swapped in the other: pooled, recalls would be 1/4 and 3/4."""
    found = quality(decided((2, [0, 1, 1, 1], [0, 1, 1, 1]), (2, [1, 1, 1, 0], [0, 0, 0, 1])))
    assert (found.macro_f1, found.balanced_accuracy) == (0.5, 0.5)


def test_a_class_without_queries_has_no_recall_but_lowers_f1_if_it_is_answered() -> None:
    """Labels 0 0 1, answered 0 2 1, of four ways: nobody asked for or answered 3."""
    found = quality(decided((4, [0, 2, 1], [0, 0, 1])))
    assert found.balanced_accuracy == pytest.approx((1 / 2 + 1) / 2)
    assert found.macro_f1 == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_episodes_of_different_ways_and_queries_weigh_the_same() -> None:
    small, large = (2, [0, 1], [0, 0]), (5, [0, 1, 2, 3, 4, 4], [0, 1, 2, 3, 4, 4])
    apart = [quality(decided(one)) for one in (small, large)]
    together = quality(decided(small, large))
    for name in ("macro_f1", "balanced_accuracy"):
        each = [getattr(one, name) for one in apart]
        assert getattr(together, name) == pytest.approx(sum(each) / 2)
    assert apart[0].balanced_accuracy == 0.5
    assert apart[0].macro_f1 == pytest.approx(1 / 3)


def loop_f1_and_recall(answers: Sequence[int], labels: Sequence[int]) -> tuple[float, float]:
    pairs = list(zip(answers, labels, strict=True))
    f1 = []
    for one in sorted({*answers, *labels}):
        hits = sum(a == y == one for a, y in pairs)
        f1.append(2 * hits / (answers.count(one) + labels.count(one)))
    recalls = [
        sum(a == y == one for a, y in pairs) / labels.count(one) for one in sorted(set(labels))
    ]
    return float(np.mean(f1)), float(np.mean(recalls))


def test_f1_and_balanced_accuracy_of_ragged_episodes_follow_the_definitions() -> None:
    made = random_ragged(np.random.default_rng(0), 300)
    answers, labels = made.log_probabilities.argmax(1), made.episodes.query_labels
    expected = [
        loop_f1_and_recall(answers[end - m : end].tolist(), labels[end - m : end].tolist())
        for m, end in zip(made.episodes.queries, made.episodes.query_ends, strict=True)
    ]
    f1, recall = np.mean(expected, axis=0)
    found = quality(made)
    assert found.macro_f1 == pytest.approx(f1, abs=1e-6)
    assert found.balanced_accuracy == pytest.approx(recall, abs=1e-6)


def test_balanced_accuracy_of_balanced_queries_is_accuracy() -> None:
    rng = np.random.default_rng(1)
    labels = [0, 1, 2, 3, 4] * 15
    made = predicted(*((rng.normal(size=(75, 5)) + np.eye(5)[labels], labels) for _ in range(40)))
    assert quality(made).balanced_accuracy == pytest.approx(made.scores.mean(), abs=1e-6)


def test_the_calibration_error_is_the_one_worked_out_by_hand() -> None:
    """At 0.9, three of four right: off by 0.15; at 0.7, one of two: off by 0.2."""
    made = stated((0.9, True), (0.9, True), (0.9, True), (0.9, False), (0.7, True), (0.7, False))
    assert quality(made).ece == pytest.approx((4 * 0.15 + 2 * 0.2) / 6)


def test_within_a_bin_errors_of_opposite_sign_cancel() -> None:
    """0.94 and 0.99 share the last of the 15 bins: one wrong of 20 against a mean of 0.965."""
    made = stated(*[(0.94, True)] * 10, *[(0.99, True)] * 9, (0.99, False))
    assert quality(made).ece == pytest.approx(0.965 - 0.95)


def test_a_probability_of_exactly_one_belongs_to_the_last_bin() -> None:
    """Two right at 1.0 and two of three at 0.95: 4 of 5 against a mean of 0.97."""
    made = stated((1.0, True), (1.0, True), (0.95, True), (0.95, True), (0.95, False))
    assert Certainty.of(made).confidence.max() == 1.0
    assert quality(made).ece == pytest.approx((2 * 1.0 + 3 * 0.95) / 5 - 4 / 5)


def loop_calibration_error(made: Predictions) -> float:
    top = np.exp(made.log_probabilities).max(1)
    total = 0.0
    for number in range(BINS):
        inside = (top >= number / BINS) & (top < (number + 1) / BINS)
        if inside.any():
            total += inside.sum() * abs(made.right[inside].mean() - top[inside].mean())
    return total / len(top)


def test_the_calibration_error_of_many_queries_follows_the_definition() -> None:
    made = random_ragged(np.random.default_rng(2), 200)
    found = calibration_error(Certainty.of(made), made)
    assert found == pytest.approx(loop_calibration_error(made), abs=1e-9)
    assert found > 0.01


def test_tempered_figures_are_those_of_divided_logits() -> None:
    made = random_ragged(np.random.default_rng(3), 50)
    cooler = Predictions(made.episodes, made.answers / 0.25)
    found, other = quality(made, 0.25), quality(cooler)
    assert found.temperature == 0.25
    for name in ("nll", "brier", "ece"):
        assert getattr(found, f"{name}_tempered") == pytest.approx(getattr(other, name))
        assert getattr(found, name) != pytest.approx(getattr(other, name), rel=0.01)
    assert (found.macro_f1, found.balanced_accuracy) == (other.macro_f1, other.balanced_accuracy)


def test_without_a_temperature_there_are_no_tempered_figures() -> None:
    found = quality(stated((0.9, True)))
    tempered = (found.nll_tempered, found.brier_tempered, found.ece_tempered, found.temperature)
    assert tempered == (None,) * 4
    assert found.nll == pytest.approx(-np.log(0.9))


def test_percentiles_are_those_of_the_episodes_scores() -> None:
    """Of 0, 1/20 ... 20/20, evenly spaced, the percentiles are the percentages themselves."""
    episodes = [(2, [1] * wrong + [0] * (20 - wrong), [0] * 20) for wrong in range(21)]
    found = quality(decided(*episodes))
    assert (found.percentile_5, found.percentile_50, found.percentile_95) == pytest.approx(
        (0.05, 0.5, 0.95)
    )


def test_of_a_regression_only_the_percentiles_of_the_error_are_known() -> None:
    listed = decided(*[(1, [0, 0], [0, 0])] * 3).episodes
    answers = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0], dtype=np.float32)
    found = quality(Predictions(listed, answers, np.zeros((6, 1), dtype=np.float32)), 2.0)
    assert (found.percentile_5, found.percentile_95) == pytest.approx((1.3, 8.5))
    assert replace(found, percentile_5=None, percentile_95=None) == QualityRecord(percentile_50=4.0)


def test_torchmetrics_is_imported_only_when_metrics_are_asked_for() -> None:
    code = "import sys, bench.metrics; print('torchmetrics' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

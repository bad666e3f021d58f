"""Agreement: what counts as the same, as nearly the same, and as different."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.agreement import (
    Agreement,
    agreement,
    judged_answers,
    judged_loss,
    judged_mean,
    judged_scores,
    judged_temperature,
    same_number,
)
from bench.episodelist import EpisodeList
from bench.predictions import Predictions


def predictions(logits: list[list[float]], labels: list[int]) -> Predictions:
    """One episode of two classes, one support example each."""
    two, rows, truth = np.array([2]), np.arange(2), np.array(labels)
    queries = np.arange(len(labels)) + 2
    episodes = EpisodeList(two, two, np.array([len(labels)]), rows, rows, rows, queries, truth)
    return Predictions(episodes, np.array(logits, np.float32).ravel())


KEPT = predictions([[0.0, 0.0], [np.log(3), 0.0], [0.0, 1.0]], [0, 0, 0])
"""Probabilities of the first class: 1/2, 3/4, and less than a half; 2 of 3 are right."""


def test_the_same_answers_are_identical() -> None:
    found = agreement(KEPT, KEPT)
    assert found == Agreement(True, 0.0, 0.0, 0, 3)
    assert found.text == "identical"


def test_a_change_is_that_of_probabilities_not_of_logits() -> None:
    shifted = predictions([[5.0, 5.0], [np.log(3) - 2, -2.0], [0.0, 1.0]], [0, 0, 0])
    found = agreement(KEPT, shifted)
    assert not found.identical
    assert found.largest == pytest.approx(0, abs=1e-6)
    # 1/2 became 1/4, and 3/4 stayed; a third of the queries turned
    turned = predictions([[0.0, np.log(3)], [np.log(3), 0.0], [0.0, 1.0]], [0, 0, 0])
    found = agreement(KEPT, turned)
    assert (found.turned, found.asked) == (1, 3)
    assert found.largest == pytest.approx(0.25)
    assert found.mean == pytest.approx(0.25 / 3)


def test_in_regression_changes_are_relative_to_the_largest_value() -> None:
    targets = np.zeros((3, 1), np.float32)
    one = replace(KEPT, answers=np.array([10.0, 1.0, -2.0], np.float32), targets=targets)
    other = replace(one, answers=np.array([10.0, 1.05, -1.0], np.float32))
    found = agreement(one, other)
    assert found.largest == pytest.approx(0.1)
    assert found.turned == 1  # by more than 1% of 10


@pytest.mark.parametrize(
    ("moved", "verdict"),
    [
        (Agreement(True, 0.0, 0.0, 0, 1000), "same"),
        (Agreement(False, 0.02, 0.9e-4, 0, 1000), "same"),
        (Agreement(False, 0.02, 1.1e-4, 0, 1000), "within tolerance"),
        (Agreement(False, 0.02, 1e-5, 4, 1000), "within tolerance"),
        (Agreement(False, 0.02, 1e-5, 5, 1000), "differs"),
        (Agreement(False, 0.02, 1.1e-3, 0, 1000), "differs"),
    ],
)
def test_answers_may_move_by_rounding_and_few_may_turn(moved: Agreement, verdict: str) -> None:
    assert judged_answers(moved).verdict == verdict


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (0.8, "same"),
        (0.8009, "within tolerance"),
        (0.7991, "within tolerance"),
        (0.8011, "differs"),
    ],
)
def test_a_mean_accuracy_may_be_a_tenth_of_a_point_off(found: float, verdict: str) -> None:
    assert judged_mean("mean", 0.8, found, KEPT).verdict == verdict


@pytest.mark.parametrize(
    ("found", "verdict"), [(5.0, "same"), (5.004, "within tolerance"), (5.006, "differs")]
)
def test_a_mean_error_may_be_a_thousandth_off(found: float, verdict: str) -> None:
    curve = replace(KEPT, answers=KEPT.answers[:3], targets=np.zeros((3, 1), np.float32))
    assert judged_mean("mean", 5.0, found, curve).verdict == verdict


def test_scores_are_compared_by_the_queries_that_must_have_turned() -> None:
    score = KEPT.scores  # one episode of 3 queries
    assert score.tolist() == pytest.approx([2 / 3])
    assert judged_scores(score, KEPT).verdict == "same"
    assert judged_scores(score - 1 / 3, KEPT).verdict == "differs"
    assert judged_scores(np.array([2 / 3, 2 / 3]), KEPT).verdict == "differs"
    # 1 of 300 queries is 0.33%, 2 are 0.67%
    many = predictions([[1.0, 0.0]] * 300, [0] * 299 + [1])
    assert judged_scores(many.scores - 1 / 300, many).verdict == "within tolerance"
    assert judged_scores(many.scores - 2 / 300, many).verdict == "differs"


@pytest.mark.parametrize(
    ("found", "verdict"), [(2.0001, "same"), (2.01, "within tolerance"), (2.03, "differs")]
)
def test_losses_and_temperatures_have_tolerances_in_percent(found: float, verdict: str) -> None:
    assert judged_loss(2.0, found).verdict == verdict
    assert judged_temperature(2.0, found).verdict == verdict


def test_numbers_are_the_same_up_to_rounding_and_no_end_is_infinite() -> None:
    assert same_number(1.0, 1.000001)
    assert not same_number(1.0, 1.0001)
    assert same_number(0.0, 0.0)
    assert same_number(None, None)
    assert same_number(None, float("inf"))
    assert not same_number(None, 1.0)

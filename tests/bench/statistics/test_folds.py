"""The interval over folds: against formulas written out for simple cases, and its edges."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.episodelist import EpisodeList
from bench.predictions import Predictions
from bench.statistics.closed import CONSTANT
from bench.statistics.folds import SAME_CLASSES, over_folds
from bench.statistics.intervals import headline, intervals
from bench.statistics.student import t_quantile
from bench.tasks import ACCURACY

IMAGES = 6
"""Of each of two classes; two folds, rows 0-2 and 3-5 of each, asked in turn."""


def predictions(right: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Predictions:
    """Two classes in two folds, repeated: right (repetitions, fold, class, image of the fold).

    The support is the same image of each class in all episodes of a fold, so that only queries
    vary.
    """
    count = right.shape[0] * 2
    fold = np.arange(3)
    query = np.array([[fold + 3 * part, IMAGES + fold + 3 * part] for part in (0, 1)])
    query = np.tile(query, (right.shape[0], 1, 1))
    support = np.tile(np.array([0, IMAGES]), (count, 1))
    labels = np.broadcast_to(np.arange(2)[:, None], (count, 2, 3))
    answers = np.where(right.reshape(count, 2, 3), labels, 1 - labels)
    episodes = EpisodeList(
        np.full(count, 2),
        np.full(count, 2),
        np.full(count, 6),
        np.tile([0, 1], count),
        support.ravel(),
        np.tile([0, 1], count),
        query.ravel(),
        labels.ravel(),
    )
    logits = np.eye(2, dtype=np.float32)[answers.ravel()].ravel()
    return Predictions(episodes, logits, folds=2)


def test_of_queries_alone_it_is_the_stratified_t_interval_over_images() -> None:
    rng = np.random.default_rng(0)
    right = rng.random((4, 2, 2, 3)) < 0.6
    means = right.mean(0).transpose(1, 0, 2).reshape(2, IMAGES)  # by class and image
    parts = means.var(axis=1, ddof=1) / IMAGES / 4  # a class is half of the mean
    freedom = parts.sum() ** 2 / (parts**2 / (IMAGES - 1)).sum()
    reach = t_quantile(freedom) * parts.sum() ** 0.5
    record = over_folds(predictions(right))
    mean = right.mean()
    odds = np.log(mean / (1 - mean)) + np.array([-1, 1]) * reach / (mean * (1 - mean))
    assert (record.low, record.high) == pytest.approx(tuple(1 / (1 + np.exp(-odds))))
    assert record.n == 2 * IMAGES


def test_more_repetitions_of_the_same_answers_change_nothing() -> None:
    right = np.random.default_rng(1).random((2, 2, 2, 3)) < 0.6
    one, ten = (over_folds(predictions(np.tile(right, (n, 1, 1, 1)))) for n in (1, 10))
    assert (one.low, one.high) == pytest.approx((ten.low, ten.high))


def test_groups_that_span_classes_are_one_stratum() -> None:
    """Six users with a photo of each class: t over users, of their two photos together."""
    right = np.random.default_rng(2).random((3, 2, 2, 3)) < 0.5
    found = replace(predictions(right), groups=np.tile(np.arange(IMAGES), 2))
    by_user = right.mean(0).transpose(0, 2, 1).reshape(IMAGES, 2).mean(1)
    reach = t_quantile(IMAGES - 1) * by_user.std(ddof=1) / IMAGES**0.5
    mean, record = right.mean(), over_folds(found)
    odds = np.log(mean / (1 - mean)) + np.array([-1, 1]) * reach / (mean * (1 - mean))
    assert (record.low, record.high) == pytest.approx(tuple(1 / (1 + np.exp(-odds))))
    assert record.n == IMAGES
    assert "(95% interval over 6 groups of examples of the same classes)" in headline(
        mean, intervals(found), ACCURACY
    )


def test_it_is_the_only_interval_of_folds_and_says_what_it_is_over() -> None:
    right = np.random.default_rng(1).random((2, 2, 2, 3)) < 0.6
    (record,) = intervals(predictions(right))
    assert record.over == SAME_CLASSES
    told = headline(float(right.mean()), (record,), ACCURACY, "6 queries")
    assert told.endswith("(95% interval over 12 examples of the same classes)")


def test_all_right_is_bounded_by_the_rule_of_three_over_images_not_answers() -> None:
    record = over_folds(predictions(np.ones((50, 2, 2, 3), bool)))
    assert record.high == 1
    assert record.low == pytest.approx(1 - (1 - 0.05 ** (1 / 12)))


def test_an_answer_that_ignores_the_query_has_no_interval() -> None:
    right = np.zeros((3, 2, 2, 3), bool)
    right[:, :, 0] = True
    record = over_folds(predictions(right))
    assert record.formula == CONSTANT
    assert record.low == record.high == 0.5


def test_folds_and_groups_are_kept_in_the_file(tmp_path: Path) -> None:
    right = np.random.default_rng(2).random((3, 2, 2, 3)) < 0.5
    found = replace(predictions(right), groups=np.tile(np.arange(IMAGES), 2))
    found.write(tmp_path / "predictions.npz")
    kept = Predictions.read(tmp_path / "predictions.npz")
    with np.load(io.BytesIO(replace(found, folds=0, groups=None).to_bytes())) as plain:
        assert not {"folds", "groups"} & set(plain.files)
    assert kept.folds == 2
    assert kept.groups is not None
    assert kept.first(2).folds == 2
    np.testing.assert_array_equal(kept.groups, found.groups)
    assert over_folds(kept) == over_folds(found)

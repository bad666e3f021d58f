"""The limit of what is alike, by hand, by another implementation, and on synthetic classes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

from bench.novelty import MARGIN, Neighbourhood, distances, normalised, upper_bound

Floats = NDArray[np.float64]


def clusters(
    rng: np.random.Generator, centres: Floats, each: int, spread: float
) -> tuple[Floats, NDArray[np.int64]]:
    labels = np.repeat(np.arange(len(centres)), each)
    noise = rng.standard_normal((len(labels), centres.shape[1]))
    return centres[labels] + spread * noise, labels


def test_with_single_images_the_limit_is_how_far_classes_are_from_each_other() -> None:
    features = np.array([[3.0, 0.0], [0.0, 0.5]])  # of length one: a right angle
    around = Neighbourhood.of(features, np.array([0, 1]), 2)
    assert around.limit == pytest.approx(MARGIN * np.sqrt(2))
    np.testing.assert_array_equal(around.means, np.eye(2))
    # The way back from the middle of both is half the angle: 2 sin(45/2 degrees).
    assert around.novelty(np.array([[7.0, 7.0]]))[0] == pytest.approx(
        2 * np.sin(np.pi / 8) / (MARGIN * np.sqrt(2))
    )
    assert around.novelty(np.array([[-1.0, -1.0]]))[0] > 1


def test_with_more_images_the_limit_is_that_of_images_left_out_of_their_class() -> None:
    rng = np.random.default_rng(0)
    features, labels = clusters(rng, rng.standard_normal((4, 6)), 3, 0.4)
    lengths = []
    unit = features / np.sqrt((features**2).sum(1, keepdims=True))
    for i in range(len(unit)):
        to_means = []
        for label in range(4):
            others = [unit[j] for j in range(len(unit)) if labels[j] == label and j != i]
            length = float(np.sqrt(((unit[i] - np.mean(others, 0)) ** 2).sum()))
            to_means.append(length * (np.sqrt(8) / 3 if label == labels[i] else 1))
        lengths.append(min(to_means))
    logs = np.log(lengths)
    quantile = scipy.stats.t(df=11).ppf(0.9)
    expected = np.exp(logs.mean() + quantile * logs.std(ddof=1) * np.sqrt(13 / 12))
    assert Neighbourhood.of(features, labels, 4).limit == pytest.approx(expected)


def test_a_further_length_is_below_the_bound_as_often_as_it_should_be() -> None:
    rng = np.random.default_rng(1)
    lengths = np.exp(rng.standard_normal((4000, 7)))
    below = [row[6] <= upper_bound(row[:6]) for row in lengths]
    assert np.mean(below) == pytest.approx(0.9, abs=0.015)  # 3 standard errors


@pytest.mark.parametrize("shots", [1, 5])
def test_strangers_among_well_separated_classes_are_told_and_members_are_not(shots: int) -> None:
    rng = np.random.default_rng(2)
    found, missed = [], []
    for _ in range(50):
        centres = rng.standard_normal((10, 16))
        support, labels = clusters(rng, centres[:5], shots, 0.2)
        around = Neighbourhood.of(support, labels, 5)
        found.append(around.novelty(clusters(rng, centres[5:], 4, 0.2)[0]) > 1)
        missed.append(around.novelty(clusters(rng, centres[:5], 4, 0.2)[0]) > 1)
    # With single images the limit is how far classes lie apart: half of the strangers are nearer.
    assert np.mean(found) > (0.25 if shots == 1 else 0.99)
    assert np.mean(missed) < (0.01 if shots == 1 else 0.13)


def test_the_scale_of_features_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    features, labels = clusters(rng, rng.standard_normal((3, 5)), 2, 0.3)
    query = rng.standard_normal((6, 5))
    small = Neighbourhood.of(features, labels, 3).novelty(query)
    np.testing.assert_allclose(Neighbourhood.of(9 * features, labels, 3).novelty(4 * query), small)


def test_classes_of_one_image_and_of_many_go_together() -> None:
    rng = np.random.default_rng(4)
    features, _ = clusters(rng, np.eye(3) * 4, 5, 0.1)
    labels = np.array([0] * 5 + [1] * 5 + [2] * 5)
    kept = np.array([0, *range(5, 15)])
    around = Neighbourhood.of(features[kept], labels[kept], 3)
    np.testing.assert_allclose(around.means[0], normalised(features[:1])[0])
    assert around.limit < 0.2, "from the two classes that have several"


def test_equal_images_and_images_of_nothing_give_numbers() -> None:
    same = np.ones((6, 4))
    labels = np.array([0, 0, 0, 1, 1, 1])
    for features in (same, np.zeros((6, 4))):
        novelty = Neighbourhood.of(features, labels, 2).novelty(np.array([[1.0, 0, 0, 0]]))
        assert np.isfinite(novelty).all()


def test_distances_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(5)
    one, other = rng.standard_normal((3, 4)), rng.standard_normal((5, 4))
    expected = [[np.linalg.norm(a - b) for b in other] for a in one]
    np.testing.assert_allclose(distances(one, other), expected)

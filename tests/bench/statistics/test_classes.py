"""Over classes: against the textbook's one-way layout, and against dense matrices."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import special, stats

from bench.episodelist import EpisodeList
from bench.statistics import t_interval
from bench.statistics.classes import over_classes
from bench.tasks import ACCURACY, MSE
from tests.bench.statistics.population import Floats, Indices, Population, TestSet


def of_classes(classes: Indices) -> EpisodeList:
    """Episodes of the classes (e, n), with a support and a query image that do not matter."""
    count, ways = classes.shape
    ones, rows = np.ones(count, np.int64), np.arange(count)
    return EpisodeList(
        *(ones * ways, ones, ones, classes.ravel()), *(rows, 0 * ones, rows + count, 0 * ones)
    )


def test_functions_with_as_many_tasks_each_give_students_t_over_their_means() -> None:
    """In the balanced one-way layout the mean's variance is the mean square between over n."""
    rng, classes, each = np.random.default_rng(0), 12, 10
    scores = 5 + rng.standard_normal((classes, 1)) + rng.standard_normal((classes, each))
    episodes = of_classes(np.repeat(np.arange(classes), each)[:, None])
    record = over_classes(scores.ravel(), episodes, MSE)
    assert record is not None
    assert record.n == classes
    expected = t_interval(scores.mean(1))
    assert record.half_width == pytest.approx(expected.half_width, rel=1e-6)
    assert (record.low + record.high) / 2 == pytest.approx(scores.mean(), abs=1e-9)


def dense_half_width(scores: Floats, classes: Indices) -> float:
    """The same equations with n x n matrices: moments, then Satterthwaite by Gaussian theory."""
    n, ways = classes.shape
    shares = np.zeros((n, classes.max() + 1))
    shares[np.arange(n)[:, None], classes] = 1 / ways
    common, centring = shares @ shares.T, np.eye(n) - 1 / n
    forms = [centring, centring @ common @ centring]
    expected = [[np.trace(form @ part) for part in (np.eye(n), common)] for form in forms]
    observed = [scores @ form @ scores for form in forms]
    noise, effects = np.linalg.solve(expected, observed)
    assert noise > 0
    assert effects > 0
    weights = np.array([1 / n, np.square(shares.sum(0)).sum() / n**2])
    mixed = np.linalg.solve(np.array(expected).T, weights)
    form = mixed[0] * forms[0] + mixed[1] * forms[1]
    variance = scores @ form @ scores
    product = form @ (noise * np.eye(n) + effects * common)
    freedom = variance**2 / np.trace(product @ product)
    return float(stats.t.ppf(0.975, freedom) * variance**0.5)


@pytest.mark.parametrize(("classes", "close"), [(30, 1e-6), (200, 0.02)])
def test_overlapping_episodes_give_what_dense_matrices_give(classes: int, close: float) -> None:
    """Above 128 classes two traces are estimated."""
    rng = np.random.default_rng(1)
    of = np.stack([rng.choice(classes, 4, replace=False) for _ in range(300)])
    scores = 9 + rng.standard_normal(classes)[of].sum(1) + rng.standard_normal(300)
    record = over_classes(scores, of_classes(of), MSE)
    assert record is not None
    assert record.half_width == pytest.approx(dense_half_width(scores, of), rel=close)


def test_an_accuracys_interval_is_the_same_in_log_odds() -> None:
    rng = np.random.default_rng(1)
    of = np.stack([rng.choice(20, 4, replace=False) for _ in range(200)])
    scores = 0.8 + 0.02 * (rng.standard_normal(20)[of].sum(1) + rng.standard_normal(200))
    share, plain = (over_classes(scores, of_classes(of), metric) for metric in (ACCURACY, MSE))
    assert share is not None
    assert plain is not None
    mean = scores.mean()
    reach = plain.half_width / (mean * (1 - mean))
    assert special.logit(share.low) == pytest.approx(special.logit(mean) - reach)
    assert special.logit(share.high) == pytest.approx(special.logit(mean) + reach)
    assert share.n == 20


def test_without_a_common_class_episodes_are_independent() -> None:
    scores = np.random.default_rng(0).uniform(size=40)
    record = over_classes(scores, of_classes(np.arange(200).reshape(40, 5)), MSE)
    assert record is not None
    assert record.half_width == pytest.approx(t_interval(scores).half_width)


def test_the_same_classes_in_every_episode_give_no_interval() -> None:
    episodes = of_classes(np.tile(np.arange(5), (30, 1)))
    assert over_classes(np.random.default_rng(0).uniform(size=30), episodes, ACCURACY) is None


def test_rotations_are_one_unit_which_makes_the_interval_wider() -> None:
    rng = np.random.default_rng(2)
    of = np.stack([rng.choice(80, 5, replace=False) for _ in range(400)])
    bases = np.arange(80) // 4
    scores = 9 + rng.standard_normal(20)[bases[of]].sum(1) + rng.standard_normal(400)
    alone = over_classes(scores, of_classes(of), MSE)
    together = over_classes(scores, of_classes(of), MSE, bases)
    assert alone is not None
    assert together is not None
    assert (alone.n, together.n) == (80, 20)
    assert together.half_width > 1.3 * alone.half_width


def test_episodes_of_different_ways_have_shares_of_their_own() -> None:
    """A class's effect on an episode of two ways is half of that on an episode of one."""
    rng = np.random.default_rng(3)
    effects, ways = rng.standard_normal(15), rng.integers(1, 8, size=300)
    own = [rng.choice(15, count, replace=False) for count in ways]
    scores = 20 + np.array([effects[classes].mean() for classes in own])
    ones, rows = np.ones(300, np.int64), np.arange(300)
    columns = (rows, 0 * ones, rows + 300, 0 * ones)
    record = over_classes(scores, EpisodeList(ways, ones, ones, np.concatenate(own), *columns), MSE)
    assert record is not None
    weights = np.zeros(15)
    for classes in own:
        weights[classes] += 1 / len(classes) / 300
    # No noise: the variance is that of the effects times the sum of the squared weights.
    exact = 2.1448 * effects.std(ddof=1) * np.sqrt(np.square(weights).sum())  # t(0.975, 14)
    assert record.half_width == pytest.approx(exact, rel=0.1)


def test_ten_thousand_episodes_take_little_memory() -> None:
    """A matrix of all pairs of episodes would take 800 MB."""
    world = TestSet(Population(), np.random.default_rng(0), classes=1692, images=6)
    of = np.argsort(np.random.default_rng(0).random((10_000, 1692)), axis=1)[:, :5]
    scored = world.answer(of, queries=3)
    tracemalloc.start()
    try:
        record = over_classes(scored.scores, scored.episodes, ACCURACY)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert record is not None
    assert record.n == 1692
    assert most < 100e6

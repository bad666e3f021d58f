"""Coverage: how often 95% intervals hold the truth, where the truth is known.

Each figure is from 2,000 test sets (the standard error at 95% is half a point), but for one that
is far from its bound. "Covers" means 93 to 97%. `pytest -s` prints the figures.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import expit

from bench.measurements import IntervalRecord
from bench.statistics import t_interval
from bench.statistics.classes import over_classes
from bench.statistics.closed import over_episodes
from bench.statistics.disjoint import over_images, share_nothing
from bench.statistics.trainingseeds import over_seeds, over_seeds_and_episodes
from bench.tasks import ACCURACY
from tests.bench.statistics.population import Floats, Population, Scored, TestSet, mean_of_expit

REPETITIONS = 2000
NOMINAL = (0.93, 0.97)


def holds(record: IntervalRecord | None, truth: float) -> bool:
    assert record is not None
    return record.low <= truth <= record.high


def between(share: float, ends: tuple[float, float]) -> bool:
    return ends[0] <= share <= ends[1]


@dataclass(frozen=True)
class Trial:
    """A test set, its episodes, and both truths."""

    scored: Scored
    of_images: float
    of_population: float


def trials(
    population: Population, classes: int, images: int, count: int, known: bool = True
) -> Iterator[Trial]:
    rng = np.random.default_rng(5)
    for _ in range(REPETITIONS):
        test_set = TestSet(population, rng, classes, images)
        truth = test_set.mean if known else float("nan")
        yield Trial(test_set.test(count), truth, population.mean)


def classes_cover(population: Population, classes: int, images: int, count: int) -> float:
    drawn = trials(population, classes, images, count, known=False)
    found = [
        holds(over_classes(t.scored.scores, t.scored.episodes, ACCURACY), t.of_population)
        for t in drawn
    ]
    return float(np.mean(found))


def test_the_interval_over_episodes_covers_the_mean_of_these_images_and_not_the_populations() -> (
    None
):
    fixed, whole, classes = [], [], []
    for trial in trials(Population(), classes=40, images=10, count=150):
        scores, episodes = trial.scored.scores, trial.scored.episodes
        closed = over_episodes(scores, ACCURACY)
        fixed.append(holds(closed, trial.of_images))
        whole.append(holds(closed, trial.of_population))
        classes.append(holds(over_classes(scores, episodes, ACCURACY), trial.of_population))
    print(f"closed: images {np.mean(fixed)}, population {np.mean(whole)}; {np.mean(classes)}")
    assert between(float(np.mean(fixed)), NOMINAL)
    assert np.mean(whole) < 0.8
    assert between(float(np.mean(classes)), NOMINAL)


@pytest.mark.parametrize(
    ("population", "classes", "images", "count"),
    [
        pytest.param(Population(), 20, 20, 200, id="twenty classes"),
        pytest.param(Population(confusion=0.8), 40, 20, 150, id="classes that confuse"),
        pytest.param(Population(ease=3.0, confusion=0.5), 60, 20, 150, id="close to the ceiling"),
        pytest.param(Population(classes=0.3, images=1.2), 60, 10, 300, id="images above all"),
    ],
)
def test_the_interval_over_classes_covers_the_population_mean(
    population: Population, classes: int, images: int, count: int
) -> None:
    share = classes_cover(population, classes, images, count)
    print(f"classes: {share}")
    assert between(share, NOMINAL)


def test_the_interval_over_classes_is_cautious_where_classes_hardly_differ() -> None:
    share = classes_cover(Population(classes=0.0, images=0.1), 40, 20, 150)
    print(f"classes, no effects: {share}")
    assert share > 0.95


def test_on_disjoint_episodes_the_interval_over_episodes_covers_the_population_mean() -> None:
    rng, found = np.random.default_rng(5), []
    population = Population(confusion=0.5)
    for _ in range(REPETITIONS):
        scored = TestSet(population, rng, classes=150, images=6).test_disjoint(queries=1)
        assert share_nothing(scored.episodes)
        found.append(holds(over_episodes(scored.scores, ACCURACY), population.mean))
    print(f"disjoint: {np.mean(found)}")
    assert between(float(np.mean(found)), NOMINAL)


def test_disjoint_tasks_chosen_from_a_list_cover_the_population_mean_and_more_than_promised() -> (
    None
):
    """The mean of all episodes is surer than that of the few that are chosen."""
    found, widths = [], []
    stream = trials(Population(), classes=100, images=6, count=80, known=False)
    for trial in itertools.islice(stream, 400):
        scores, episodes = trial.scored.scores, trial.scored.episodes
        record = over_images(scores, episodes, ACCURACY)
        closed = over_episodes(scores, ACCURACY)
        assert record is not None
        found.append(holds(record, trial.of_population))
        widths.append(record.half_width / closed.half_width)
    print(f"images: {np.mean(found)}, {np.mean(widths):.2f} times as wide as over episodes")
    assert np.mean(found) >= 0.95


def rarely_wrong(episodes: int) -> tuple[float, Floats]:
    """Returns the mean and REPETITIONS samples of accuracies over 25 queries, close to 1."""
    rng = np.random.default_rng(7)
    odds = 7 + 1.5 * rng.standard_normal((REPETITIONS, episodes))
    return float(mean_of_expit(np.array(7.0), 1.5)), rng.binomial(25, expit(odds)) / 25


def test_near_the_ceiling_the_bootstrap_covers_better_than_students_t() -> None:
    truth, samples = rarely_wrong(100)
    assert truth > 0.98
    plain, ours = [], []
    for scores in samples:
        student = t_interval(scores)
        plain.append(student.std > 0 and abs(student.mean - truth) <= student.half_width)
        ours.append(holds(over_episodes(scores, ACCURACY), truth))
    print(f"ceiling: t {np.mean(plain)}, ours {np.mean(ours)}")
    assert np.mean(plain) < 0.9
    assert between(float(np.mean(ours)), NOMINAL)


@pytest.mark.parametrize("bad", [0.2, 0.5, 1.0, 2.0, 2.9, 3.1, 5.0])
def test_the_rule_of_three_is_wrong_in_at_most_five_percent_even_if_whole_episodes_fail(
    bad: float,
) -> None:
    """`bad` episodes of 200 fail on average, with all of their 75 queries."""
    episodes, rng = 200, np.random.default_rng(9)
    failed = rng.binomial(episodes, bad / episodes, REPETITIONS)
    truth = 1 - bad / episodes
    alike = float((failed == 0).mean())
    ours = over_episodes(np.ones(episodes), ACCURACY)
    by_queries = 1 - 3 / (75 * episodes)
    print(f"rule of three: {bad} bad, alike {alike}; wrong {alike * (not holds(ours, truth))}")
    assert alike * (not holds(ours, truth)) <= 0.06
    if bad <= 2:  # as if each query were a trial: wrong whenever all agree
        assert by_queries > truth
        assert alike > 0.1


def test_the_interval_over_seeds_covers_and_one_seeds_episodes_do_not() -> None:
    """Seeds, episodes and pairs of them have effects of 1, 6 and 3 points; 5 seeds."""
    rng, seeds, episodes, truth = np.random.default_rng(11), 5, 200, 0.8
    fixed, both, closed = [], [], []
    for _ in range(REPETITIONS):
        of_seeds = 0.01 * rng.standard_normal((seeds, 1))
        of_episodes = 0.06 * rng.standard_normal((1, episodes))
        scores = truth + of_seeds + of_episodes + 0.03 * rng.standard_normal((seeds, episodes))
        fixed.append(holds(over_seeds(scores.mean(1), ACCURACY), truth + of_episodes.mean()))
        both.append(holds(over_seeds_and_episodes(scores, ACCURACY), truth))
        closed.append(holds(over_episodes(scores[0], ACCURACY), truth))
    print(f"seeds: {np.mean(fixed)}, with episodes {np.mean(both)}, one seed {np.mean(closed)}")
    assert between(float(np.mean(fixed)), NOMINAL)
    assert np.mean(both) >= 0.93
    assert np.mean(closed) < 0.8

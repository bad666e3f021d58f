"""Coverage of the interval over folds: how often it holds the accuracy over all images.

Each figure is from 300 test sets; the standard error at 95% is 1.3 points. `pytest -s` prints them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.special import expit

from bench.episodelist import EpisodeList
from bench.predictions import Predictions
from bench.statistics import t_interval
from bench.statistics.folds import over_folds
from tests.bench.statistics.population import Floats, Indices, mean_of_expit

TEST_SETS, REPETITIONS, FOLDS = 300, 10, 5


@dataclass(frozen=True)
class Task:
    """Fixed classes; an image acts as a query and as support, as do all of its object.

    Standard deviations are on the scale of log-odds; `photos` of each object are taken.
    """

    classes: int = 5
    objects: int = 20
    photos: int = 1
    shots: int = 1
    as_query: float = 0.8
    as_support: float = 0.8

    @property
    def images(self) -> int:
        """The images of a class."""
        return self.objects * self.photos

    @property
    def ease(self) -> Floats:
        """The log-odds of each class."""
        return np.linspace(-0.5, 1.5, self.classes)

    @property
    def accuracy(self) -> float:
        """That over all images there could be; shots are of so many objects."""
        spread = self.as_query**2 + self.as_support**2 / self.shots
        return float(mean_of_expit(self.ease, spread**0.5).mean())

    def test_set(self, rng: np.random.Generator) -> Predictions:
        """Draws images of these classes and cross-validates on them."""
        objects = rng.standard_normal((2, self.classes, self.objects))
        asked, known = np.repeat(objects, self.photos, axis=2)
        query, support = [], []
        right = []
        for _ in range(REPETITIONS):
            order = np.argsort(rng.random((self.classes, self.objects)), axis=1)
            for fold in range(FOLDS):
                chosen = self._photos(order[:, fold::FOLDS])
                others = np.delete(order, np.s_[fold::FOLDS], axis=1)[:, : self.shots]
                shown = others * self.photos  # the first photo of each
                odds = self.ease[:, None] + self.as_query * np.take_along_axis(asked, chosen, 1)
                helped = np.take_along_axis(known, shown, 1).mean(1, keepdims=True)
                odds = odds + self.as_support * helped
                right.append(rng.random(odds.shape) < expit(odds))
                query.append(chosen)
                support.append(shown)
        found = self._predictions(np.array(support), np.array(query), np.array(right))
        groups = np.arange(self.classes * self.images) // self.photos
        return replace(found, groups=groups) if self.photos > 1 else found

    def _photos(self, objects: Indices) -> Indices:
        rows = objects[..., None] * self.photos + np.arange(self.photos)
        return rows.reshape(self.classes, -1)

    def _predictions(
        self,
        support: Indices,
        query: Indices,
        right: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    ) -> Predictions:
        """Returns predictions of episodes (e, n, k), (e, n, q): right, or the next class."""
        count, first = len(query), np.arange(self.classes)[:, None] * self.images
        labels = [
            np.broadcast_to(np.arange(self.classes)[:, None], p.shape) for p in (support, query)
        ]
        answers = np.where(right, labels[1], (labels[1] + 1) % self.classes).ravel()
        episodes = EpisodeList(
            np.full(count, self.classes),
            np.full(count, support[0].size),
            np.full(count, query[0].size),
            np.tile(np.arange(self.classes), count),
            (support + first).ravel(),
            labels[0].ravel(),
            (query + first).ravel(),
            labels[1].ravel(),
        )
        logits = np.eye(self.classes, dtype=np.float32)[answers].ravel()
        return Predictions(episodes, logits, folds=FOLDS)


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(Task(), id="one shot"),
        pytest.param(Task(objects=20, shots=4), id="four shots"),
        pytest.param(Task(as_support=0), id="supports all alike"),
        pytest.param(
            Task(objects=15, photos=4, as_query=2.0, as_support=0.4),
            id="four photos of each object",
        ),
    ],
)
def test_the_interval_over_images_covers_where_that_over_episodes_does_not(task: Task) -> None:
    rng, truth = np.random.default_rng(3), task.accuracy
    ours, episodes, images, widths, means = 0, 0, 0, [], []
    for _ in range(TEST_SETS):
        found = task.test_set(rng)
        record = over_folds(found)
        ours += record.low <= truth <= record.high
        plain = t_interval(found.scores)
        episodes += abs(plain.mean - truth) <= plain.half_width
        alone = over_folds(replace(found, groups=None))
        images += alone.low <= truth <= alone.high
        widths.append(record.half_width)
        means.append(plain.mean)
    shares = [held / TEST_SETS for held in (ours, images, episodes)]
    needed = 1.96 * np.std(means)
    print(f"folds: {shares}, half-width {np.mean(widths):.4f}, needed {needed:.4f}")
    assert shares[0] >= 0.93
    assert shares[2] < 0.87
    assert needed < np.mean(widths) < 1.5 * needed
    if task.photos > 1:
        assert shares[1] < 0.9  # photos of one object are not new evidence

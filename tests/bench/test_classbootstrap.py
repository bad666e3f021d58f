"""The class bootstrap against what new sets of classes really do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bench import Algorithm, EmbeddingLearner, EpisodeProtocol, Examples, Predictor, TaskSpec
from bench.backbones import find_backbone
from bench.classbootstrap import Replicates, check_bootstrap, class_bootstrap, interval
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.pool import ClassPool, EpisodeStream

CLASSES, EACH, WIDTH = 50, 20, 6


class Centres(EmbeddingLearner):
    """Class means of the inputs."""

    name = "centres"

    def scores(self, support: Examples, query: Tensor) -> Tensor:
        return -torch.cdist(query, support.class_means()).square()


class Plain(Algorithm):
    """Embeds nothing."""

    name = "plain"

    def adapt(self, support: Examples) -> Predictor:
        return lambda query: torch.zeros(len(query), support.n_way)


@pytest.fixture(scope="module")
def learner() -> Centres:
    return Centres(TaskSpec((WIDTH,), 5, 1, find_backbone("identity")))


def population(seed: int, copies: int = 1) -> EpisodeStream:
    """Episodes of 50 new classes, some easy, some hard; with copies, each several times."""
    rng = np.random.default_rng(seed)
    base = CLASSES // copies
    centres = np.repeat(rng.normal(size=(base, 1, WIDTH)), copies, 0)
    spread = np.repeat(0.5 * np.exp(0.8 * rng.normal(size=(base, 1, 1))), copies, 0)
    images = centres + spread * rng.normal(size=(base * copies, EACH, WIDTH))
    pool = ClassPool(
        f"population {seed}",
        "test",
        tuple(f"class {number}" for number in range(base * copies)),
        np.arange(base * copies + 1, dtype=np.int64) * EACH,
        images.reshape(-1, WIDTH).astype(np.float32),
    )
    return EpisodeStream(pool, EpisodeProtocol(5, 1, 5), 0, torch.device("cpu"))


def test_it_is_as_wide_as_the_means_of_new_sets_of_classes_are_spread(learner: Centres) -> None:
    means = [evaluate(learner, population(s), 1000, seed=0).scores.mean() for s in range(100)]
    found = [class_bootstrap(learner, population(s), np.arange(CLASSES), 30) for s in range(8)]
    truth = float(np.std(means, ddof=1))
    told = float(np.sqrt(np.mean([(one.half_width / 1.96) ** 2 for one in found])))
    assert 0.85 < told / truth < 1.35  # both are estimates, by some 7% and 13%
    raw = np.sqrt(np.mean([one.means.var(ddof=1) - one.noise.mean() for one in found]))
    assert raw < 0.95 * told, "the means of parts of the classes vary less"


def test_the_half_width_is_that_of_the_formula() -> None:
    found = Replicates(np.array([0.5, 0.6, 0.7]), np.full(3, 0.001), np.array([0.5, 0.6, 0.7]))
    # variance 0.01, less 0.001; times 0.6 / 0.4
    assert found.half_width == pytest.approx(1.959964 * (0.009 * 1.5) ** 0.5, rel=1e-6)
    record = interval(0.95, found, 423)
    assert record.low == pytest.approx(0.95 - found.half_width)
    assert record.high == 1.0
    assert record.n == 423


def test_noise_of_episodes_alone_gives_no_width() -> None:
    assert Replicates(np.array([0.5, 0.51]), np.full(2, 0.1), np.full(2, 0.6)).half_width == 0


def test_a_class_and_its_copies_come_together_or_not_at_all(learner: Centres) -> None:
    bases = np.repeat(np.arange(CLASSES // 5), 5)
    together = class_bootstrap(learner, population(0, copies=5), bases, 20)
    np.testing.assert_allclose(together.shares * 10, (together.shares * 10).round())
    assert 0.5 < together.shares.mean() < 0.8


def test_the_same_replicates_come_again(learner: Centres) -> None:
    one, other = (class_bootstrap(learner, population(1), np.arange(50), 3) for _ in range(2))
    np.testing.assert_array_equal(one.means, other.means)
    assert len(set(one.means)) == 3


def test_who_embeds_nothing_and_other_protocols_are_refused(learner: Centres) -> None:
    with pytest.raises(BenchError, match="plain is not one here"):
        check_bootstrap(Plain(TaskSpec((WIDTH,), 5, 1)), population(0))
    single = EpisodeStream(
        population(0).pool, EpisodeProtocol(5, 1, 1, "single"), 0, torch.device("cpu")
    )
    with pytest.raises(BenchError, match="5w1s-single"):
        check_bootstrap(learner, single)

"""Modes: what is asked together in each, and that every answer goes to its own query."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from bench.audit.case import Case, cases
from bench.audit.comparison import Floats
from bench.audit.modes import MODES, REORDERED, Company, Mode
from bench.pool import EpisodeStream

EVERY = {mode.name: mode for mode in (*MODES, REORDERED)}
QUERIES = 4 * 5


@pytest.fixture(scope="module")
def case(make_stream: Callable[..., EpisodeStream]) -> Case:
    return next(cases(make_stream(ways=4, shots=2, queries=5, classes=30), 1))


def asked(mode: Mode, case: Case, alone: int | None = None) -> tuple[list[Tensor], list[int]]:
    """The batches that were asked, and the places that their answers are said to be of.

    The predictor gives back each input's sum and first pixel, so that answers can be recognised.
    """
    batches: list[Tensor] = []

    def ask(query: Tensor) -> Floats:
        batches.append(query)
        return query.flatten(1).double().numpy()

    rng = np.random.default_rng(0)
    answered = mode.ask(ask, Company(case, torch.zeros_like(case.query), alone, rng))
    own = case.query.flatten(1).double().numpy()
    assert np.array_equal(answered.answers, own[answered.places])
    return batches, answered.places.tolist()


def sizes(name: str, case: Case, alone: int | None = None) -> list[int]:
    return [len(batch) for batch in asked(EVERY[name], case, alone)[0]]


@pytest.mark.parametrize("name", [*EVERY])
def test_every_answer_is_that_of_its_query(name: str, case: Case) -> None:
    _, places = asked(EVERY[name], case)
    if name == "dirichlet":
        assert len(set(places)) == len(places) <= QUERIES
    else:
        assert set(places) == set(range(QUERIES))


def test_batches_are_as_large_as_the_mode_says(case: Case) -> None:
    assert sizes("alone", case) == [1] * QUERIES
    assert sizes("alone", case, alone=6) == [1] * 6
    assert sizes("one class", case) == [5] * 4
    assert sizes("sevens", case) == [7, 7, 6]
    assert sizes("halves", case) == [10, 10]
    assert sizes("duplicated", case) == [2 * QUERIES]
    assert sizes("contaminated", case) == [2 * QUERIES]
    assert sizes("reordered", case) == [QUERIES]


def test_the_queries_of_one_class_have_one_label(case: Case) -> None:
    _, places = asked(EVERY["one class"], case)
    labels = case.truth[places].reshape(4, 5)
    assert (labels == labels[:, :1]).all()


def test_contamination_is_mixed_in_not_appended(case: Case) -> None:
    (batch,), _ = asked(EVERY["contaminated"], case)
    foreign = batch.flatten(1).sum(1) == 0  # the others are black
    assert int(foreign.sum()) == QUERIES
    assert 0 < int(foreign[:QUERIES].sum()) < QUERIES


def test_another_order_is_another_order(case: Case) -> None:
    _, places = asked(REORDERED, case)
    assert places != list(range(QUERIES))


def test_shares_of_classes_follow_the_dirichlet_distribution(
    make_stream: Callable[..., EpisodeStream],
) -> None:
    """With many queries per class the largest keeps all; its share is what the rest is told by."""
    big = next(cases(make_stream(ways=3, shots=1, queries=200, classes=3, each=201, side=2), 1))
    mode, rng, shares = EVERY["dirichlet"], np.random.default_rng(1), []
    for _ in range(300):
        company = Company(big, big.query, None, rng)
        places = mode.ask(lambda query: np.zeros((len(query), 3)), company).places
        counts = np.bincount(big.truth[places].astype(np.int64), minlength=3)
        assert counts.max() == 200
        shares.append(counts[0] / counts.sum())
    # A share of Dirichlet(2, 2, 2) is Beta(2, 4).
    assert stats.kstest(shares, stats.beta(2, 4).cdf).pvalue > 0.01

"""Uneven queries: the urn against the exact distribution, and what happens to scarce images."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from bench.episodes import EpisodeProtocol
from bench.protocols.dirichlet import polya
from bench.words import Draws
from tests.bench.protocols.tables import per_class, sampler

KEY = np.array([5, 6], dtype=np.uint64)


def pmf(counts: tuple[int, ...], alpha: int) -> float:
    """The Dirichlet-multinomial probability of counts, from gamma functions."""
    total, concentration = sum(counts), alpha * len(counts)
    log = math.lgamma(total + 1) + math.lgamma(concentration) - math.lgamma(total + concentration)
    for count in counts:
        log += math.lgamma(count + alpha) - math.lgamma(count + 1) - math.lgamma(alpha)
    return math.exp(log)


@pytest.mark.parametrize(("colours", "total"), [(2, 6), (3, 4)])
def test_the_urn_draws_from_the_dirichlet_multinomial(colours: int, total: int) -> None:
    outcomes = [c for c in itertools.product(range(total + 1), repeat=colours) if sum(c) == total]
    expected = [pmf(outcome, 2) for outcome in outcomes]
    assert sum(expected) == pytest.approx(1)
    drawn = [tuple(polya(Draws(KEY, i), colours, total, 2)) for i in range(4000)]
    observed = [drawn.count(outcome) for outcome in outcomes]
    assert stats.chisquare(observed, [4000 * p for p in expected]).pvalue > 1e-3


def test_episodes_have_all_queries_where_images_abound_and_their_spread_is_that_of_the_law() -> (
    None
):
    one = sampler(EpisodeProtocol(5, 1, 15, "dirichlet"), (200,) * 9)
    counts = np.array([per_class(one.episode(i).query_labels, 5) for i in range(2000)])
    assert (counts.sum(1) == 75).all()
    # Of n draws with alpha a for each of K: variance n/K (1-1/K) (n + aK) / (1 + aK).
    variance = 75 / 5 * (4 / 5) * (75 + 10) / (1 + 10)
    assert counts.var() == pytest.approx(variance, rel=0.05)


def test_a_class_gives_what_it_has_and_its_support_is_whole() -> None:
    protocol = EpisodeProtocol(5, 2, 15, "dirichlet")
    plenty, scarce = sampler(protocol, (200,) * 9), sampler(protocol, (32,) * 9)
    short = 0
    for number in range(60):
        wanted = per_class(plenty.episode(number).query_labels, 5)
        episode = scarce.episode(number)
        assert per_class(episode.support_labels, 5) == [2] * 5
        given = per_class(episode.query_labels, 5)
        assert given == [min(count, 30) for count in wanted]
        short += sum(given) < 75
    assert 0 < short < 60

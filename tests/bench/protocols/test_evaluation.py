"""Evaluation on episodes of many shapes: the fast paths give the plain path's answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from bench.algorithm import Algorithm
from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.pool import ClassPool, EpisodeStream
from bench.sampling import EpisodeIndices, StreamName, episodes_digest

CPU = torch.device("cpu")
VARIABLE = EpisodeProtocol(kind="variable")
DIRICHLET = EpisodeProtocol(3, 2, 6, "dirichlet")


def stream(make_pool: Callable[..., ClassPool], protocol: EpisodeProtocol) -> EpisodeStream:
    return EpisodeStream(make_pool(classes=14, each=9), protocol, 0, CPU)


@pytest.mark.parametrize(
    ("name", "protocol"), [("protonet", VARIABLE), ("protonet", DIRICHLET), ("anil", DIRICHLET)]
)
def test_fast_paths_answer_as_the_plain_path_on_episodes_of_many_shapes(
    name: str,
    protocol: EpisodeProtocol,
    build: Callable[..., Algorithm],
    make_pool: Callable[..., ClassPool],
) -> None:
    learner, asked = build(name), stream(make_pool, protocol)
    fast = evaluate(learner, asked, 12, seed=0)
    plain = evaluate(learner, asked, 12, seed=0, plain=True)
    np.testing.assert_allclose(fast.answers, plain.answers, rtol=1e-3, atol=1e-4)
    assert len(set(fast.episodes.queries.tolist())) > 1
    for one, other in zip(asked.batches(12, 5), asked.batches(12, 5), strict=True):
        np.testing.assert_array_equal(one.query, other.query)
    drawn = [batch.part(i, i + 1) for batch in asked.batches(12, 5) for i in range(len(batch))]
    for place, episode in enumerate(drawn):
        kept = fast.episodes.slice_of(place, place + 1)
        np.testing.assert_array_equal(kept.query, episode.query[0])
        np.testing.assert_array_equal(kept.query_labels, episode.query_labels[0])


def test_chance_is_right_in_one_of_the_ways_of_each_episode(
    build: Callable[..., Algorithm], make_pool: Callable[..., ClassPool]
) -> None:
    asked = stream(make_pool, VARIABLE)
    results = evaluate(build("chance"), asked, 300, seed=0)
    expected = (1 / results.episodes.ways).mean()
    assert results.scores.mean() == pytest.approx(expected, abs=0.01)
    assert set(results.episodes.ways.tolist()) == set(range(5, 15))


def test_a_digest_does_not_depend_on_batches_and_a_longer_list_has_another(
    make_pool: Callable[..., ClassPool],
) -> None:
    asked = stream(make_pool, VARIABLE)
    parts = [list(asked.batches(20, size)) for size in (1, 7)]
    digests = {episodes_digest(asked.name, batches) for batches in parts}
    assert digests == {asked.digest(20)}
    assert asked.digest(19) not in digests


def test_a_digest_covers_where_an_episode_ends() -> None:
    """The same numbers in a row, cut into classes, support and query at other places."""
    name = StreamName("data", "test", VARIABLE, 0)

    def episode(*cuts: int) -> EpisodeIndices:
        classes, *rest = np.split(np.arange(12)[None], np.cumsum(cuts), axis=1)
        return EpisodeIndices(rest[0], rest[1], rest[2], rest[3], classes)

    one, other = episode(2, 3, 3, 2), episode(2, 2, 2, 3)
    flat = [np.concatenate([e.classes, *e.columns[:4]], axis=1) for e in (one, other)]
    np.testing.assert_array_equal(flat[0], flat[1])
    assert episodes_digest(name, [one]) != episodes_digest(name, [other])


def test_episodes_of_many_shapes_cannot_be_asked_for_as_one_batch(
    make_pool: Callable[..., ClassPool],
) -> None:
    with pytest.raises(BenchError, match="'variable' have shapes of their own; take them from Ep"):
        stream(make_pool, VARIABLE).episodes(0, 20)
    single = stream(make_pool, EpisodeProtocol(3, 2, 1, "single"))
    assert single.batch(4, 6).query_targets.shape == (6, 1)
    np.testing.assert_array_equal(
        single.indices(4, 6).query, np.concatenate([b.query for b in single.batches(10, 4)])[4:]
    )

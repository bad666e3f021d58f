"""Disjoint episodes: no image twice, as many as there can be, classes in new company each round."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.pool import ClassPool, EpisodeStream
from bench.protocols.choice import check_table
from tests.bench.protocols.tables import per_class, sampler, table

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("sizes", "protocol", "count"),
    [
        ((20,) * 20, (5, 1, 15), 4),  # 20/5 chunks, 20/16 = 1 round
        ((20,) * 23, (5, 1, 4), 4 * 4),  # three classes are left over in each of 20/5 rounds
        ((9, 12, 8, 30), (2, 1, 3), 2 * 2),  # the smallest class has images for 8/4 rounds
    ],
)
def test_no_image_is_in_two_episodes_and_there_are_as_many_as_the_formula_says(
    sizes: tuple[int, ...], protocol: tuple[int, int, int], count: int
) -> None:
    one = sampler(EpisodeProtocol(*protocol, "disjoint"), sizes)
    assert one.length == count
    rows: list[int] = []
    for number in range(count):
        episode = one.episode(number)
        rows += [*episode.support[0].tolist(), *episode.query[0].tolist()]
        assert per_class(episode.support_labels, protocol[0]) == [protocol[1]] * protocol[0]
        assert per_class(episode.query_labels, protocol[0]) == [protocol[2]] * protocol[0]
    assert len(set(rows)) == len(rows) == count * protocol[0] * (protocol[1] + protocol[2])


def test_each_round_divides_the_classes_anew_and_none_is_in_two_episodes_of_a_round() -> None:
    one = sampler(EpisodeProtocol(5, 1, 4, "disjoint"), (20,) * 20)
    rounds = [[frozenset(one.episode(4 * r + i).classes[0].tolist()) for i in range(4)]
              for r in range(4)]  # fmt: skip
    for divided in rounds:
        assert len(frozenset().union(*divided)) == 20
    assert len({frozenset(divided) for divided in rounds}) == 4


def test_too_few_classes_are_refused() -> None:
    with pytest.raises(BenchError, match="5 ways, but the test split has 4 classes"):
        check_table(EpisodeProtocol(5, 1, 1, "disjoint"), table((20,) * 4))


def test_a_stream_refuses_more_episodes_than_there_are(
    make_pool: Callable[..., ClassPool],
) -> None:
    pool = make_pool(classes=12, each=8)
    stream = EpisodeStream(pool, EpisodeProtocol(3, 1, 3, "disjoint"), 0, CPU)
    assert stream.length == 8
    assert sum(len(batch) for batch in stream.batches(8, 3)) == 8
    with pytest.raises(BenchError, match="9 episodes of 3w1s3q-disjoint were asked for, but the"):
        list(stream.batches(9, 3))
    assert len(np.unique(stream.indices(0, 8).query)) == 8 * 9

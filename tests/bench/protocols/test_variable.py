"""Variable episodes: Meta-Dataset's own unit tests, its algorithm written plainly, and by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.protocols.choice import check_table
from bench.protocols.variable import query_count, support_counts
from bench.words import Draws
from tests.bench.protocols.tables import per_class, sampler, table

VARIABLE = EpisodeProtocol(kind="variable")
WITHIN = EpisodeProtocol(kind="variable-within")
UNEVEN = tuple(np.random.default_rng(0).integers(4, 400, 80).tolist())


class Given(Draws):
    """Draws whose units were given."""

    def __init__(self, *units: float) -> None:
        self.units = list(units)

    def unit(self) -> float:
        return self.units.pop(0)


@pytest.mark.parametrize("sizes", [UNEVEN, (20,) * 60, (2, 3, 2, 2, 4, 1000)])
def test_what_meta_dataset_tests_of_its_sampler_holds(sizes: tuple[int, ...]) -> None:
    one = sampler(VARIABLE, sizes)
    for number in range(150):
        episode = one.episode(number)
        ways = episode.classes.shape[1]
        assert 5 <= ways <= min(50, len(sizes))
        support, query = (
            per_class(labels, ways) for labels in (episode.support_labels, episode.query_labels)
        )
        assert min(support) >= 1
        assert sum(support) <= 500
        own = [sizes[c] for c in episode.classes[0]]
        assert query == [min(10, min(own) // 2)] * ways
        assert all(k + q <= n for k, q, n in zip(support, query, own, strict=True))
        assert not set(episode.support[0]) & set(episode.query[0])


def plainly(rng: np.random.Generator, sizes: Sequence[int]) -> tuple[int, NDArray[np.int64]]:
    """Ways and support sizes of one episode, after the text of protocols.md, by NumPy."""
    ways = int(rng.integers(5, min(50, len(sizes)) + 1))
    n = rng.choice(np.array(sizes), ways, replace=False)
    left = n - min(10, (n // 2).min())
    beta = rng.uniform()
    size = min(500, np.floor(beta * np.minimum(100, left) + 1).sum())
    share = n * np.exp(rng.uniform(np.log(0.5), np.log(2), ways))
    wanted = np.floor(share / share.sum() * (size - ways)) + 1
    return ways, np.minimum(wanted, left).astype(np.int64)


def test_ways_and_supports_have_the_distribution_of_a_plain_implementation() -> None:
    rng, one = np.random.default_rng(1), sampler(VARIABLE, UNEVEN)
    theirs = [plainly(rng, UNEVEN) for _ in range(1500)]
    ours = [one.episode(number) for number in range(1500)]
    ways = [episode.classes.shape[1] for episode in ours]
    assert stats.chisquare(np.bincount(ways, minlength=51)[5:]).pvalue > 1e-3
    totals = [episode.support.shape[1] for episode in ours]
    assert stats.ks_2samp(totals, [int(k.sum()) for _, k in theirs]).pvalue > 1e-3
    largest = [max(per_class(e.support_labels, w)) for e, w in zip(ours, ways, strict=True)]
    assert stats.ks_2samp(largest, [int(k.max()) for _, k in theirs]).pvalue > 1e-3


def test_support_sizes_by_hand() -> None:
    # Half of 10 and one more, twice: 12. Ten beyond one each, in shares 1:1, then 4:1.
    assert support_counts(Given(0.5, 0.5, 0.5), [20, 20], 10) == [6, 6]
    assert support_counts(Given(0.5, 1.0, 0.0), [20, 20], 10) == [9, 3]
    # 0.95 * 4 + 1 = 4.8 of one, 0.95 * 100 + 1 = 96 of the other: 100, 98 of them to share 8:500.
    assert support_counts(Given(0.95, 0.5, 0.5), [8, 500], 4) == [2, 97]
    # No more than there are: 1 + floor(0.8 * 10) = 9 would be wanted of 5 that are left.
    assert support_counts(Given(0.999999, 1.0, 0.0), [10, 10], 5) == [5, 2]
    assert support_counts(Given(0.0, 1.0, 0.0), [20, 20], 10) == [1, 1]


def test_a_support_has_500_images_at_most() -> None:
    many = [1000] * 50
    # 50 classes of 0.5 * 100 + 1 = 51 each would be 2550; 450 beyond one each are 9 for each.
    assert support_counts(Given(0.5, *[0.5] * 50), many, 10) == [10] * 50


def test_queries_are_ten_or_half_of_the_smallest_class() -> None:
    assert [query_count(sizes) for sizes in ([20, 21], [19, 500], [3, 30], [2, 2])] == [10, 9, 1, 1]


def test_within_groups_ways_go_up_to_the_groups_size_and_small_groups_are_left_out() -> None:
    groups = "a" * 4 + "b" * 7 + "c" * 60
    one = sampler(WITHIN, (20,) * len(groups), groups)
    ways: dict[str, list[int]] = {"b": [], "c": []}
    for number in range(1200):
        classes = one.episode(number).classes[0]
        (group,) = {groups[c] for c in classes}
        ways[group].append(len(classes))
    assert stats.chisquare([len(ways["b"]), len(ways["c"])]).pvalue > 1e-3
    assert stats.chisquare(np.bincount(ways["b"])[5:], None).pvalue > 1e-3
    assert (min(ways["b"]), max(ways["b"])) == (5, 7)
    assert (min(ways["c"]), max(ways["c"])) == (5, 50)


def test_too_few_classes_or_images_and_groups_too_small_are_refused() -> None:
    with pytest.raises(BenchError, match="variable episodes have at least 5 ways, but the test sp"):
        check_table(VARIABLE, table((20,) * 4))
    with pytest.raises(BenchError, match="class 'class2' of the test split has 1 images; variable"):
        check_table(VARIABLE, table((20, 20, 1, 20, 20)))
    with pytest.raises(BenchError, match="the largest, 'x', has 4"):
        check_table(WITHIN, table((20,) * 5, "xxxxy"))
    with pytest.raises(BenchError, match="have no groups"):
        check_table(WITHIN, table((20,) * 5))

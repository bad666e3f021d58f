"""What holds of every kind of protocol: sound episodes, purity, prefixes, random order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from bench.episodes import KINDS, EpisodeProtocol, ProtocolKind
from bench.errors import BenchError
from bench.protocols.choice import SAMPLERS, check_table, of_one_shape
from bench.sampling import EpisodeIndices
from bench.words import Draws
from tests.bench.protocols.tables import assert_sound, per_class, sampler, table

DRAWN = tuple(kind for kind in KINDS if kind != "fixed")
SIZES = (30, 22, 17, 25, 40, 19) * 5
GROUPS = ("a", "b", "c") * 10


def episodes(kind: ProtocolKind, count: int, seed: int = 0) -> list[EpisodeIndices]:
    one = sampler(EpisodeProtocol(5, 2, 3, kind), SIZES, GROUPS, seed)
    return [one.episode(number) for number in range(count)]


def same(one: EpisodeIndices, other: EpisodeIndices) -> bool:
    return all(map(np.array_equal, one.columns, other.columns))


def test_there_is_a_sampler_for_every_kind_but_the_fixed_one() -> None:
    assert set(SAMPLERS) == set(DRAWN)


@pytest.mark.parametrize("kind", DRAWN)
def test_images_are_distinct_and_of_the_class_behind_their_label(kind: ProtocolKind) -> None:
    for episode in episodes(kind, 18):
        assert_sound(episode, table(SIZES))


@pytest.mark.parametrize("kind", DRAWN)
def test_an_episode_is_a_function_of_the_streams_name_and_its_number(kind: ProtocolKind) -> None:
    first = episodes(kind, 12)
    backwards = sampler(EpisodeProtocol(5, 2, 3, kind), SIZES, GROUPS)
    for number in reversed(range(12)):
        assert same(backwards.episode(number), first[number])
    assert not any(same(a, b) for a, b in itertools.combinations(first, 2))
    assert not any(map(same, first, episodes(kind, 12, seed=1)))


@pytest.mark.parametrize("kind", DRAWN)
def test_support_and_query_are_shuffled(kind: ProtocolKind) -> None:
    """Sorted labels would let a method go by the place of a query."""
    drawn = episodes(kind, 18)
    several = [e.query_labels[0] for e in drawn if e.query_labels.size > 4] or []
    for labels in (*several, *(e.support_labels[0] for e in drawn)):
        assert (np.diff(labels) < 0).any()


@pytest.mark.parametrize("kind", [kind for kind in DRAWN if kind != "disjoint"])
def test_every_class_gets_every_label(kind: ProtocolKind) -> None:
    one = sampler(EpisodeProtocol(5, 1, 1, kind), (20,) * 5, ("a",) * 5)
    seen = np.zeros((5, 5))
    for number in range(600):
        seen[one.episode(number).classes[0], np.arange(5)] += 1
    assert stats.chisquare(seen.ravel()).pvalue > 1e-3


@pytest.mark.parametrize(
    ("kind", "id_"),
    [
        ("fixed", "5w2s3q"),
        ("dirichlet", "5w2s3q-dirichlet2"),
        ("single", "5w2s-single"),
        ("disjoint", "5w2s3q-disjoint"),
        ("within", "5w2s3q-within"),
        ("variable", "variable"),
        ("variable-within", "variable-within"),
    ],
)
def test_each_kind_has_an_id_of_its_own(kind: ProtocolKind, id_: str) -> None:
    assert EpisodeProtocol(5, 2, 3, kind).id == id_


def test_an_unknown_kind_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(BenchError, match="protocol is 'varable'; did you mean 'variable'"):
        EpisodeProtocol(kind="varable")  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("kind", ["dirichlet", "single", "disjoint"])
def test_what_the_classes_cannot_give_is_refused_as_for_fixed_episodes(kind: ProtocolKind) -> None:
    with pytest.raises(BenchError, match="7 ways, but the test split has 6 classes; ask for at"):
        check_table(EpisodeProtocol(7, 1, 1, kind), table((20,) * 6))
    with pytest.raises(BenchError, match="class 'class1' of the test split has 3 examples"):
        check_table(EpisodeProtocol(2, 3, 1, kind), table((20, 3)))


def test_neighbours_of_one_shape_make_a_batch() -> None:
    drawn = episodes("variable", 40)
    batches = list(of_one_shape(iter(drawn), 3))
    assert max(map(len, batches)) <= 3
    flat = [batch.part(i, i + 1) for batch in batches for i in range(len(batch))]
    assert all(map(same, flat, drawn))
    alike = list(of_one_shape(iter(episodes("within", 7)), 3))
    assert [len(batch) for batch in alike] == [3, 3, 1]


class TestSingle:
    def test_there_is_one_query_and_the_support_is_the_usual_one(self) -> None:
        for episode in episodes("single", 20):
            assert episode.query.shape == (1, 1)
            assert per_class(episode.support_labels, 5) == [2] * 5

    def test_the_query_is_of_each_class_as_often(self) -> None:
        labels = [int(episode.query_labels[0, 0]) for episode in episodes("single", 2000)]
        assert stats.chisquare(np.bincount(labels, minlength=5)).pvalue > 1e-3

    def test_a_class_with_one_image_more_than_shots_will_do(self) -> None:
        check_table(EpisodeProtocol(2, 3, 15, "single"), table((4, 4)))


class TestWithin:
    def test_all_classes_are_of_one_group_and_small_groups_are_left_out(self) -> None:
        groups = "aaaabbbbbccdddddd"
        one = sampler(EpisodeProtocol(5, 1, 1, "within"), (20,) * len(groups), groups)
        seen = [{groups[c] for c in one.episode(i).classes[0]} for i in range(400)]
        assert all(len(found) == 1 for found in seen)
        often = [sum("b" in found for found in seen), sum("d" in found for found in seen)]
        assert sum(often) == 400
        assert stats.chisquare(often).pvalue > 1e-3

    def test_data_without_groups_and_groups_too_small_are_refused(self) -> None:
        protocol = EpisodeProtocol(5, 1, 1, "within")
        with pytest.raises(BenchError, match="classes of the test split have no groups"):
            check_table(protocol, table((20,) * 9))
        with pytest.raises(BenchError, match="has 5 classes; the largest, 'b', has 4"):
            check_table(protocol, table((20,) * 7, "aaabbbb"))

    def test_classes_of_small_groups_may_be_as_small_as_they_like(self) -> None:
        sizes, groups = (20, 20, 1), "aab"
        assert check_table(EpisodeProtocol(2, 1, 1, "within"), table(sizes, groups)) is None
        with pytest.raises(BenchError, match="class 'class2' of the test split has 1 examples"):
            check_table(EpisodeProtocol(2, 1, 1, "within"), table((*sizes, 1), "aabb"))


class TestDraws:
    def test_words_are_philoxs_at_counters_of_the_episodes_own(self) -> None:
        key = np.array([3, 4], dtype=np.uint64)
        raw = np.random.Philox(key=key, counter=7 << 64).random_raw(300).tolist()
        draws = Draws(key, 7)
        assert [draws.word() for _ in range(300)] == raw

    def test_choices_are_distinct_and_every_order_is_as_likely(self) -> None:
        key = np.array([1, 2], dtype=np.uint64)
        chosen = [tuple(Draws(key, number).choose(2, 4)) for number in range(2400)]
        counts = [chosen.count(pair) for pair in itertools.permutations(range(4), 2)]
        assert sum(counts) == 2400
        assert stats.chisquare(counts).pvalue > 1e-3

    def test_words_that_would_count_once_too_often_are_passed_over(self) -> None:
        draws = Draws(np.array([1, 2], dtype=np.uint64), 0)
        bound = 3 << 62  # of 2**64 words a quarter is too much, the multiples of 4
        words = [0, 4, 1, 8, 2]
        draws._ready = words[::-1]
        assert [draws.below(bound), draws.below(bound)] == [1 * bound >> 64, 2 * bound >> 64]

    def test_units_are_multiples_of_two_to_the_minus_53(self) -> None:
        draws = Draws(np.array([1, 2], dtype=np.uint64), 0)
        draws._ready = [2**64 - 1, 2**63, 2047]
        assert [draws.unit() for _ in range(3)] == [0.0, 0.5, 1 - 2**-53]

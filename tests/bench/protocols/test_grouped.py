"""Inputs in groups: none is known and asked, whatever the table; every table that can, does."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from bench.episodes import KINDS, EpisodeProtocol, ProtocolKind
from bench.errors import BenchError
from bench.pool import ClassPool, EpisodeStream
from bench.protocols.choice import GROUPED, check_table, drawing_sampler, fit
from bench.protocols.drawing import DrawingSampler
from bench.protocols.table import ClassTable
from bench.sampling import EpisodeIndices, StreamName
from tests.bench.protocols.tables import assert_sound, per_class, table

CPU = torch.device("cpu")
PAIRED = ("fixed", "dirichlet", "single", "within")


def grouped(protocol: EpisodeProtocol, of: ClassTable, seed: int = 0) -> DrawingSampler:
    found = drawing_sampler(StreamName("data", "test", protocol, seed), of)
    assert found is not None
    return found


def objects(classes: int, each: int, photos: int) -> ClassTable:
    """Each class has objects of its own, `photos` of each."""
    owners = np.repeat(np.arange(classes * each), photos)
    return table((each * photos,) * classes, ("x",) * classes, owners.tolist())


def users(rng: np.random.Generator, classes: int, count: int, most: int) -> ClassTable:
    """Users took photos of all classes, up to `most` of each."""
    taken = rng.integers(0, most + 1, (classes, count))
    taken[:, 0] += taken.sum(1) == 0
    owners = [np.repeat(np.arange(count), row) for row in taken]
    return table(taken.sum(1).tolist(), ("x",) * classes, np.concatenate(owners).tolist())


def assert_apart(episode: EpisodeIndices, of: ClassTable) -> None:
    """The audit: an image of each side is taken in turn, and its group looked up in the other."""
    assert of.input_groups is not None
    known = {int(of.input_groups[row]) for row in episode.support.ravel()}
    assert not any(int(of.input_groups[row]) in known for row in episode.query.ravel())


def can_give(of: ClassTable, classes: Sequence[int], shots: int, queries: Sequence[int]) -> bool:
    """Tries every way of putting the groups of these classes on two sides."""
    assert of.input_groups is not None
    counts = [Counter(of.input_groups[of.offsets[c] : of.offsets[c + 1]].tolist()) for c in classes]
    names = sorted(set().union(*counts))
    for sides in itertools.product((0, 1), repeat=len(names)):
        known = [sum(n for g, n in own.items() if not sides[names.index(g)]) for own in counts]
        asked = [own.total() - part for own, part in zip(counts, known, strict=True)]
        if min(known) >= shots and all(a >= q for a, q in zip(asked, queries, strict=True)):
            return True
    return False


@pytest.mark.parametrize("kind", PAIRED)
@pytest.mark.parametrize(("shots", "queries"), [(1, 3), (3, 1), (2, 2)])
def test_no_group_is_known_and_asked_and_the_counts_are_those_of_the_protocol(
    kind: ProtocolKind, shots: int, queries: int
) -> None:
    rng = np.random.default_rng(0)
    for of in (objects(6, 4, 3), users(rng, 6, 9, 3), users(rng, 6, 30, 1)):
        one = grouped(EpisodeProtocol(4, shots, queries, kind), of)
        for number in range(40):
            episode = one.episode(number)
            assert_sound(episode, of)
            assert_apart(episode, of)
            assert per_class(episode.support_labels, 4) == [shots] * 4
            if kind == "single":
                assert episode.query.size == 1
            elif kind != "dirichlet":
                assert per_class(episode.query_labels, 4) == [queries] * 4


@pytest.mark.parametrize("kind", ["fixed", "single"])
def test_a_table_gives_episodes_exactly_if_some_classes_can_be_divided(kind: ProtocolKind) -> None:
    """Random small tables, against all ways of dealing the groups of all sets of classes."""
    rng, seen = np.random.default_rng(4), Counter[bool]()
    for _ in range(150):
        classes, people, ways = 4, int(rng.integers(2, 6)), int(rng.integers(2, 4))
        of = users(rng, classes, people, 2)
        shots = int(rng.integers(1, 3))
        needed = 1 if kind == "single" else int(rng.integers(1, 3))
        alone = all(can_give(of, [c], shots, [needed]) for c in range(classes))
        asks = (
            [[int(i == asked) for i in range(ways)] for asked in range(ways)]
            if kind == "single"
            else [[needed] * ways]
        )
        some = any(
            can_give(of, chosen, shots, ask)
            for chosen in itertools.combinations(range(classes), ways)
            for ask in asks
        )
        protocol = EpisodeProtocol(ways, shots, needed, kind)
        try:
            check_table(protocol, of)
        except BenchError:
            assert not (alone and some)
            seen[False] += 1
        else:
            assert alone and some
            seen[True] += 1
            if of.is_grouped:
                one = grouped(protocol, of)
                for number in range(5):
                    assert_apart(one.episode(number), of)
    assert min(seen.values()) > 20


def test_where_hardly_any_classes_go_together_those_that_do_are_drawn() -> None:
    """Of classes 0 to 2 each pair shares a user, so that all three cannot be divided (1, 1)."""
    triangle = [1, 2, 2, 3, 1, 3]
    of = table((2,) * 3, None, triangle)
    with pytest.raises(BenchError, match="no 3 classes of the test split give an episode"):
        check_table(EpisodeProtocol(3, 1, 1), of)
    with_more = table((2,) * 4, None, [*triangle, 4, 5])
    one = grouped(EpisodeProtocol(3, 1, 1), with_more)
    drawn = [frozenset(one.episode(number).classes[0].tolist()) for number in range(150)]
    counts = Counter(drawn)
    assert set(counts) == {frozenset({3, *pair}) for pair in itertools.combinations(range(3), 2)}
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_who_fills_both_sides_exactly_is_dealt_so() -> None:
    """Sizes 1, 2, 4, 8 divide into 5 and 10 in one way alone: 1 + 4 are known."""
    groups = np.repeat(np.arange(8), [1, 2, 4, 8] * 2).tolist()
    of = table((15, 15), None, groups)
    one = grouped(EpisodeProtocol(2, 5, 10), of)
    for number in range(10):
        known = {groups[row] for row in one.episode(number).support[0].tolist()}
        assert known == {0, 2, 4, 6}
    even = table((14, 16), None, [*np.repeat(range(4), [2, 4, 4, 4]).tolist(), *range(9, 25)])
    with pytest.raises(BenchError, match="class 'class0' of the test split has 14 inputs in 4 gro"):
        check_table(EpisodeProtocol(2, 5, 9), even)


def test_a_class_of_one_group_is_named() -> None:
    of = table((4, 3), None, [0, 0, 1, 1, 2, 2, 2])
    with pytest.raises(
        BenchError, match="class 'class1' of the test split has 3 inputs in 1 group"
    ):
        check_table(EpisodeProtocol(2, 1, 1), of)


def test_images_of_groups_of_one_size_are_treated_alike() -> None:
    of = objects(3, 5, 2)
    one = grouped(EpisodeProtocol(2, 1, 3), of)
    known, asked = np.zeros(30), np.zeros(30)
    for number in range(1500):
        episode = one.episode(number)
        known[episode.support[0]] += 1
        asked[episode.query[0]] += 1
    assert stats.chisquare(known).pvalue > 1e-3
    assert asked.std() / asked.mean() < 0.08  # 300 draws of each


def test_an_episode_is_a_function_of_the_streams_name_and_its_number() -> None:
    of = users(np.random.default_rng(1), 6, 12, 2)
    protocol = EpisodeProtocol(4, 1, 3)
    one, other = grouped(protocol, of), grouped(protocol, of)
    drawn = [one.episode(number) for number in range(12)]
    for number in reversed(range(12)):
        again = other.episode(number)
        assert all(map(np.array_equal, again.columns, drawn[number].columns))
    moved = grouped(protocol, of, seed=1).episode(0)
    assert not np.array_equal(moved.support, drawn[0].support)


def test_every_class_gets_every_label() -> None:
    one = grouped(EpisodeProtocol(4, 1, 1), objects(4, 3, 2))
    seen = np.zeros((4, 4))
    for number in range(600):
        seen[one.episode(number).classes[0], np.arange(4)] += 1
    assert stats.chisquare(seen.ravel()).pvalue > 1e-3


class TestStreams:
    def test_groups_of_one_input_each_change_no_episode(
        self, make_pool: Callable[..., ClassPool]
    ) -> None:
        pool = make_pool(classes=6, each=8)
        apart = replace(pool, input_groups=np.arange(48)[::-1].copy())
        for kind in KINDS:
            protocol = EpisodeProtocol(5, 1, 2, kind)
            if kind in ("within", "variable-within"):
                continue
            one, other = (EpisodeStream(p, protocol, 0, CPU) for p in (pool, apart))
            assert one.digest(2) == other.digest(2)

    def test_fixed_episodes_of_groups_come_through_every_door_alike(
        self, make_pool: Callable[..., ClassPool]
    ) -> None:
        pool = replace(make_pool(classes=6, each=8), input_groups=np.arange(48) // 2)
        stream = EpisodeStream(pool, EpisodeProtocol(4, 1, 3), 0, CPU)
        batch = stream.indices(3, 5)
        assert batch.support.shape == (5, 4)
        for place in range(5):
            assert_apart(batch.part(place, place + 1), pool.table)
        first = stream.batch(3, 5)
        np.testing.assert_array_equal(first.classes.numpy(), batch.classes)
        assert len(stream.episodes(0, 3)) == 3

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in GROUPED])
    def test_a_kind_that_cannot_keep_groups_apart_is_refused(self, kind: ProtocolKind) -> None:
        with pytest.raises(BenchError, match="kinds that see to it: fixed, dirichlet, single, wi"):
            check_table(EpisodeProtocol(5, 1, 1, kind), objects(6, 4, 2))

    def test_a_table_without_groups_has_the_fast_sampler(self) -> None:
        name = StreamName("data", "test", EpisodeProtocol(2, 1, 1), 0)
        assert drawing_sampler(name, table((5, 5))) is None
        assert fit(name.protocol, table((5, 5)), None) == name.protocol

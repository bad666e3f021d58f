"""Folds: each image is asked once per repetition, and its fold is never known with it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from bench.episodes import EpisodeProtocol, in_words
from bench.errors import BenchError
from bench.protocols.choice import check_table, fit
from bench.protocols.folds import FoldsSampler
from bench.protocols.table import ClassTable
from bench.sampling import StreamName
from tests.bench.protocols.tables import assert_sound, per_class, table

FOLDS = EpisodeProtocol(5, 2, 1, "folds")


def folds(of: ClassTable, shots: int = 2, ways: int | None = None, seed: int = 0) -> FoldsSampler:
    protocol = fit(EpisodeProtocol(5, shots, 1, "folds"), of, ways)
    return FoldsSampler(StreamName("data", "test", protocol, seed), of)


@pytest.mark.parametrize("sizes", [(10, 10, 10), (7, 23, 11, 6), (5, 9)])
def test_every_image_is_asked_exactly_once_per_repetition(sizes: tuple[int, ...]) -> None:
    of = table(sizes)
    one = folds(of)
    assert one.name.protocol == EpisodeProtocol(len(sizes), 2, 1, "folds", 5)
    for turn in range(3):
        asked: list[int] = []
        for fold in range(5):
            episode = one.episode(5 * turn + fold)
            assert_sound(episode, of)
            assert per_class(episode.support_labels, len(sizes)) == [2] * len(sizes)
            labels = per_class(episode.query_labels, len(sizes))
            for size, chosen in zip(labels, episode.classes[0], strict=True):
                assert size in (sizes[chosen] // 5, -(-sizes[chosen] // 5))
            asked += episode.query[0].tolist()
        assert sorted(asked) == list(range(sum(sizes)))


def test_repetitions_divide_anew_and_an_episode_depends_on_nothing_but_name_and_number() -> None:
    one, other = folds(table((12, 12))), folds(table((12, 12)))
    drawn = [one.episode(number) for number in range(20)]
    for number in (19, 0, 7, 13):
        again = other.episode(number)
        assert all(map(np.array_equal, again.columns, drawn[number].columns))
    first = [frozenset(drawn[5 * turn].query[0].tolist()) for turn in range(4)]
    assert len(set(first)) == 4
    assert not np.array_equal(folds(table((12, 12)), seed=1).episode(0).support, drawn[0].support)


def test_each_image_is_in_each_fold_and_in_the_support_as_often() -> None:
    one, in_fold, known = folds(table((10, 10))), np.zeros((20, 5)), np.zeros(20)
    for number in range(3000):
        episode = one.episode(number)
        in_fold[episode.query[0], number % 5] += 1
        known[episode.support[0]] += 1
    assert abs(in_fold / 600 - 0.2).max() < 5 * (0.2 * 0.8 / 600) ** 0.5
    assert abs(known / 3000 - 0.2).max() < 5 * (0.2 * 0.8 / 3000) ** 0.5


def test_fewer_images_or_groups_make_fewer_folds() -> None:
    assert fit(FOLDS, table((9, 4)), None).folds == 4
    assert (
        fit(FOLDS, table((9, 9), None, [0, 0, 0, 1, 1, 1, 2, 2, 2, *range(3, 12)]), None).folds == 3
    )
    four = fit(FOLDS, table((9, 4)), None)
    assert four.id == "2w2s-4folds"
    assert in_words("folds", 2, 2, four.id) == "2-way 2-shot, 4 folds"


@pytest.mark.parametrize(
    ("sizes", "groups", "shots", "complaint"),
    [
        ((9, 1), None, 1, "class 'class1' of the test split has 1 image, too few for 2 folds"),
        ((2, 2), [0, 1, 2, 2], 1, "class 'class1' of the test split has 2 images in 1 group tha"),
        ((10, 6), None, 5, "class 'class1' of the test split has 6 images, of which each fold can "
                           "leave 4 at most; ask for at most that many --shots"),
        ((9, 9), [*range(9), *[9] * 6, 10, 11, 12], 4, "'class1'.* can leave 3 at most"),
    ],
)  # fmt: skip
def test_who_cannot_be_divided_is_named(
    sizes: Sequence[int], groups: list[int] | None, shots: int, complaint: str
) -> None:
    with pytest.raises(BenchError, match=complaint):
        fit(EpisodeProtocol(5, shots, 1, "folds"), table(sizes, None, groups), None)


def test_more_ways_than_classes_are_refused_and_fewer_change_from_one_repetition_to_the_next() -> (
    None
):
    with pytest.raises(BenchError, match="4 ways, but the test split has 3 classes; ask for at mo"):
        fit(FOLDS, table((9, 9, 9)), 4)
    one = folds(table((9,) * 6), ways=3)
    sets = [
        {frozenset(one.episode(5 * turn + fold).classes[0].tolist()) for fold in range(5)}
        for turn in range(8)
    ]
    assert all(len(found) == 1 for found in sets)
    assert len(set().union(*sets)) > 3


class TestGroups:
    def divided(self, of: ClassTable, one: FoldsSampler, repetitions: int) -> None:
        """No group is known and asked, and all images are asked."""
        assert of.input_groups is not None
        folds = one.name.protocol.folds
        for turn in range(repetitions):
            asked: list[int] = []
            for fold in range(folds):
                episode = one.episode(folds * turn + fold)
                assert_sound(episode, of)
                known = set(of.input_groups[episode.support[0]].tolist())
                assert not known & set(of.input_groups[episode.query[0]].tolist())
                assert min(per_class(episode.query_labels, len(of.classes))) > 0
                asked += episode.query[0].tolist()
            assert len(asked) == len(set(asked)) == int(of.offsets[-1])

    def test_objects_stay_whole(self) -> None:
        sizes = [7, 1, 1, 1, 1, 1, 3, 3, 3, 2, 2, 1]
        groups = np.repeat(np.arange(12), sizes).tolist()
        of = table((12, 14), None, groups)
        self.divided(of, folds(of), 4)

    def test_users_of_all_classes_stay_whole(self) -> None:
        owners = [user for _ in range(4) for user in range(7) for _ in range(1 + user % 2)]
        of = table((10,) * 4, None, owners)
        self.divided(of, folds(of), 4)

    def test_a_table_has_as_many_folds_as_trying_all_divisions_finds(self) -> None:
        """Random tables of few users, against all divisions into 5, 4, 3 and 2 folds."""
        rng, seen = np.random.default_rng(2), Counter[int]()
        for _ in range(50):
            taken = rng.integers(0, 3, (3, int(rng.integers(2, 6))))
            taken[:, 0] += taken.sum(1) == 0
            shots = int(rng.integers(1, 4))
            users = range(taken.shape[1])
            owners = np.concatenate([np.repeat(users, row) for row in taken]).tolist()
            of = table(taken.sum(1).tolist(), None, owners)
            expected = max((f for f in range(2, 6) if _divides(taken, f, shots)), default=0)
            try:
                found = fit(EpisodeProtocol(3, shots, 1, "folds"), of, None).folds
            except BenchError:
                found = 0
            assert found == expected
            seen[found] += 1
            if found:
                self.divided(of, folds(of, shots), 3)
        assert len(seen) > 3

    def test_check_table_takes_what_was_fitted(self) -> None:
        of = table((6, 6), None, [0, 0, 0, 1, 1, 1, *range(2, 8)])
        assert check_table(fit(EpisodeProtocol(5, 1, 1, "folds"), of, None), of) is None
        with pytest.raises(BenchError, match="too few for 5 folds"):
            check_table(EpisodeProtocol(2, 1, 1, "folds"), of)


def _divides(
    taken: np.ndarray[tuple[int, int], np.dtype[np.int64]], count: int, shots: int
) -> bool:
    """Tells whether users can be put into folds so that each class is in each and leaves enough."""
    totals = taken.sum(1)
    for places in itertools.product(range(count), repeat=taken.shape[1]):
        loads = np.stack([taken[:, np.array(places) == fold].sum(1) for fold in range(count)], 1)
        if (loads > 0).all() and (totals[:, None] - loads >= shots).all():
            return True
    return False


def test_only_folds_have_folds() -> None:
    with pytest.raises(BenchError, match="1 folds in a protocol of kind folds"):
        EpisodeProtocol(5, 1, 1, "folds", 1)
    with pytest.raises(BenchError, match="5 folds in a protocol of kind fixed"):
        EpisodeProtocol(5, 1, 1, "fixed", 5)

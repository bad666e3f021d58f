"""Groups and ranks: rows share a letter if and only if they are not told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row
from bench.leaderboard.standing import letters, predicted_run, separated, standings
from bench.results import RunRecord
from bench.scores import Scores
from tests.bench.written_runs import Records, with_parts


def relation(k: int, *pairs: tuple[int, int]) -> np.ndarray:
    apart = np.zeros((k, k), bool)
    for i, j in pairs:
        apart[i, j] = apart[j, i] = True
    return apart


def test_letters_of_hand_made_relations() -> None:
    assert letters(relation(3)) == ["a", "a", "a"]
    assert letters(relation(3, (0, 1), (0, 2), (1, 2))) == ["a", "b", "c"]
    assert letters(relation(3, (0, 2))) == ["a", "ab", "b"]
    # first and third alike, second apart from both: a paired test can say so
    assert letters(relation(3, (0, 1), (1, 2))) == ["a", "b", "a"]
    assert letters(relation(1)) == ["a"]


@pytest.mark.parametrize("seed", range(20))
def test_two_rows_share_a_letter_if_and_only_if_they_are_not_told_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    apart = np.triu(rng.random((9, 9)) < rng.random(), 1)
    apart |= apart.T
    found = letters(apart)
    for i in range(9):
        assert found[i]
        for j in range(9):
            if i != j:
                assert bool(set(found[i]) & set(found[j])) == (not apart[i, j])


RNG = np.random.default_rng(3)
EASY = RNG.normal(0, 0.08, 400)


def scored(mean: float) -> np.ndarray:
    noise = EASY + RNG.normal(0, 0.02, 400)
    return np.asarray(mean + noise - noise.mean())


def row(record: RunRecord, *seeds: np.ndarray | None) -> Row:
    entries = []
    for seed, values in enumerate(seeds):
        one = with_parts(record, training={"seed": seed})
        mean = 0.5 if values is None else float(values.mean())
        one = with_parts(one, outcome={"mean": mean})
        entries.append(Entry(Path(f"{seed}"), one, Scores(values) if values is not None else None))
    return Row(tuple(entries))


def test_ranks_are_the_places_that_a_row_may_have(make_record: Records) -> None:
    means = (0.95, 0.947, 0.90, 0.80)
    found = standings([row(make_record(), scored(mean)) for mean in means])
    shown = [(one.group, one.ranks) for one in found if one]
    assert shown == [("a", "1-2"), ("a", "1-2"), ("b", "3"), ("c", "4")]


def test_a_difference_that_is_sure_but_within_half_a_point_separates_nobody(
    make_record: Records,
) -> None:
    base = scored(0.9)
    rows = [row(make_record(), base + 0.004), row(make_record(), base)]
    assert not separated(rows).any()
    rows = [row(make_record(), base + 0.006), row(make_record(), base)]
    assert separated(rows)[0, 1]


def test_rows_of_several_seeds_are_separated_with_seeds_as_the_unit_too(
    make_record: Records,
) -> None:
    """The episodes are sure that the means differ; two seeds that far apart are not."""
    wide = row(make_record(), scored(0.80), scored(0.90))
    other = row(make_record(), scored(0.89), scored(0.87))
    assert not separated([other, wide])[0, 1]
    close = [
        row(make_record(), scored(m - 0.001), scored(m), scored(m + 0.001)) for m in (0.9, 0.8)
    ]
    assert separated(close)[0, 1]


def test_one_more_run_is_expected_in_the_prediction_interval_of_the_seeds() -> None:
    three = predicted_run([0.74, 0.78, 0.82])  # s = 0.04, t(0.975, 2) = 4.30265
    assert three.high - 0.78 == pytest.approx(4.30265 * 0.04 * (4 / 3) ** 0.5, rel=1e-5)
    assert 0.78 - three.low == pytest.approx(0.198731, abs=1e-5)
    two = predicted_run([0.5, 0.6])  # s = 0.1 / sqrt(2), t(0.975, 1) = 12.7062
    assert two.high == pytest.approx(0.55 + 12.7062 * 0.1 * 0.75**0.5, abs=1e-5)
    assert two.low == pytest.approx(0.55 - 12.7062 * 0.1 * 0.75**0.5, abs=1e-5)


@pytest.mark.parametrize(
    ("single", "apart"), [(0.60, False), (0.57, True), (0.96, False), (0.99, True)]
)
def test_a_single_run_that_the_seeds_would_allow_for_is_not_separated_from_them(
    single: float, apart: bool, make_record: Records
) -> None:
    """The episodes tell them apart in all four cases; the seeds reach from 0.581 to 0.979."""
    several = row(make_record(), *(scored(mean) for mean in (0.74, 0.78, 0.82)))
    one = row(make_record(), scored(single))
    assert separated([several, one])[0, 1] == apart
    assert separated([one, several])[0, 1] == separated([one, several])[1, 0] == apart


def test_seeds_take_nothing_from_what_two_single_runs_tell(make_record: Records) -> None:
    several = row(make_record(), *(scored(mean) for mean in (0.74, 0.78, 0.82)))
    first, second = row(make_record(), scored(0.80)), row(make_record(), scored(0.76))
    apart = separated([first, several, second])
    assert apart[0, 2] and not apart[0, 1] and not apart[1, 2]


def test_a_row_without_scores_has_no_standing_and_takes_none_from_others(
    make_record: Records,
) -> None:
    found = standings([row(make_record(), scored(0.9)), row(make_record(), None)])
    assert found[0] is not None and found[0].ranks == "1"
    assert found[1] is None
    assert standings([row(make_record(), None)]) == (None,)


def test_among_very_many_rows_there_are_ranks_but_no_letters(make_record: Records) -> None:
    rows = [row(make_record(), scored(0.9 - number / 200)) for number in range(101)]
    found = standings(rows)
    assert {one.group for one in found if one} == {"-"}
    last = found[-1]
    assert last is not None and last.worst == 101 and last.best > 90
    leading = [one.leads for one in found if one]
    assert leading[0] and not any(leading[2:])  # the third is a whole point below the first


def test_leaders_are_those_that_share_a_letter_with_the_first(make_record: Records) -> None:
    rows = [row(make_record(), scored(mean)) for mean in (0.95, 0.947, 0.943, 0.90)]
    found = [one for one in standings(rows) if one]
    assert [one.leads for one in found] == [
        bool(set(one.group) & set(found[0].group)) for one in found
    ]
    assert [one.leads for one in found] == [True, True, False, False]

"""Matching: equal episodes are found whatever their place; nothing else is taken for equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.comparison.matching import ComparedRun, check_comparable, match
from bench.errors import BenchError
from bench.scores import Scores
from tests.bench.written_runs import Records, ids_of, with_parts


@pytest.fixture
def make_tested(make_record: Records) -> Any:
    def make(count: int, ids: list[str] | None = None, **protocol: Any) -> ComparedRun:
        record = with_parts(make_record(), protocol=protocol)
        return ComparedRun("a run", record, Scores(np.zeros(count), tuple(ids or ())))

    return make


def test_equal_lists_are_paired_one_by_one(make_tested: Any) -> None:
    found = match(make_tested(4, ids_of(4)), make_tested(4, ids_of(4)))
    assert found.first.tolist() == found.second.tolist() == [0, 1, 2, 3]
    assert found.how == "paired by episode id"


def test_of_lists_of_two_lengths_the_common_beginning_is_paired_and_said(make_tested: Any) -> None:
    found = match(make_tested(3, ids_of(3)), make_tested(5, ids_of(5)))
    assert found.first.tolist() == found.second.tolist() == [0, 1, 2]
    assert "the first 3 of 5" in found.how


def test_shared_episodes_are_paired_in_whatever_order_they_come(make_tested: Any) -> None:
    one, two = ids_of(4), [*reversed(ids_of(4, first=1))]  # 0 1 2 3 and 4 3 2 1
    found = match(make_tested(4, one), make_tested(4, two))
    assert [one[i] for i in found.first] == [two[i] for i in found.second] == one[1:]
    assert "the 3 that they share" in found.how


@pytest.mark.parametrize(("first", "told"), [(9, "only 1 of 10"), (50, "no episodes in common")])
def test_lists_with_little_in_common_are_not_paired(
    first: int, told: str, make_tested: Any
) -> None:
    found = match(make_tested(10, ids_of(10)), make_tested(10, ids_of(10, first)))
    assert len(found) == 0
    assert told in found.how and "Welch" in found.how


def test_runs_without_ids_are_paired_by_number_if_all_that_decides_episodes_is_equal(
    make_tested: Any,
) -> None:
    found = match(make_tested(3, episodes=3, sha256="1"), make_tested(5, episodes=5, sha256="2"))
    assert found.first.tolist() == [0, 1, 2]
    assert "by number" in found.how and "the first 3 of 5" in found.how
    assert len(match(make_tested(3, ids_of(3)), make_tested(3))) == 3


@pytest.mark.parametrize(
    "other",
    [{"episode_seed": 1}, {"sampler_version": 2}, {"file_sha256": "f" * 64}, {"sha256": "b" * 64}],
    ids=str,
)
def test_runs_without_ids_are_not_paired_if_anything_of_that_differs(
    other: dict[str, Any], make_tested: Any
) -> None:
    assert len(match(make_tested(3), make_tested(3, **other))) == 0


def test_other_data_and_other_protocols_are_refused(make_record: Records) -> None:
    record = make_record()
    check_comparable(record, record)
    for other, told in (
        (make_record(data="other"), "only runs on the same data"),
        (with_parts(record, data={"fingerprint": "e" * 64}), "only runs on the same data"),
        (with_parts(record, protocol={"id": "20w1s15q"}), "20w1s15q.*same protocol"),
    ):
        with pytest.raises(BenchError, match=told):
            check_comparable(record, other)

"""Errors: each kind has the exit code the command line promises, and a hint at the cure."""

from __future__ import annotations

import pytest

from bench.errors import BenchError, Interrupted, NothingMatched, RunFailed, nearest


@pytest.mark.parametrize(
    ("kind", "code"), [(RunFailed, 1), (Interrupted, 2), (BenchError, 4), (NothingMatched, 5)]
)
def test_each_kind_of_error_has_its_exit_code(kind: type[BenchError], code: int) -> None:
    assert kind.exit_code == code
    assert issubclass(kind, BenchError)


def test_a_misspelt_name_is_told_its_nearest_match_and_all_that_is_known() -> None:
    assert nearest("protnet", ["maml", "protonet"]) == (
        "did you mean 'protonet'? known: maml, protonet"
    )


def test_a_name_far_from_all_gets_the_sorted_list_alone() -> None:
    assert nearest("xyzzy", ["protonet", "maml"]) == "known: maml, protonet"


def test_of_very_many_names_only_those_nearby_are_told() -> None:
    names = [
        f"{a}{b}" for a in "abcdefgh" for b in ("11", "22", "33", "44", "55", "66", "77", "88")
    ]
    assert nearest("xyzzy", names) == "64 others are known"
    told = nearest("a1", names)
    assert told.startswith("did you mean 'a11'? near, of 64 known: a11")
    assert "h88" not in told


def test_if_nothing_is_known_that_is_said() -> None:
    assert nearest("anything", []) == "known: none"

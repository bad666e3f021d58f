"""Seed lists: which seeds a text names, and what it is called when it names none."""

from __future__ import annotations

import pytest

from bench.errors import BenchError
from bench.seedlist import seeds_in


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0..2", (0, 1, 2)), ("5", (5,)), (" 3 , 1", (3, 1)), ("7..8,0..1", (7, 8, 0, 1))],
)
def test_a_range_has_its_last_seed_and_lists_keep_their_order(
    text: str, seeds: tuple[int, ...]
) -> None:
    assert seeds_in(text, "seeds") == seeds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "write it as 0..4 or as 0,1,2"),
        ("0-4", "write it as 0..4 or as 0,1,2"),
        ("4..0", "4..0 runs backwards: 0..4"),
        ("0..100", "0..100 are more than 100 seeds"),
        ("0..2,1", "which names a seed twice"),
    ],
)
def test_what_names_no_seeds_is_told_by_the_name_it_was_given_as(text: str, words: str) -> None:
    with pytest.raises(BenchError) as caught:
        seeds_in(text, "--these")
    assert str(caught.value).startswith(f"--these is '{text}'")
    assert words in str(caught.value)

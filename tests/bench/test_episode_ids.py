"""Episode ids: which episodes two runs share, read from their records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.episode_ids import read_ids, relation, shared_prefix
from bench.episodelist import EpisodeList
from bench.pool import EpisodeStream


@pytest.mark.parametrize(
    ("a", "b", "count", "word"),
    [
        (("x", "y"), ("x", "y"), 2, "same"),
        (("x", "y"), ("x", "y", "z"), 2, "prefix"),
        (("x", "y", "z"), ("x",), 1, "prefix"),
        (("x", "y", "z"), ("x", "z", "z"), 1, "overlapping"),
        (("x", "y"), ("y", "x"), 0, "overlapping"),
        (("x", "y"), ("u", "v"), 0, "different"),
        ((), ("u", "v"), 0, "different"),
        ((), (), 0, "different"),
    ],
)
def test_two_lists_are_the_same_or_one_begins_the_other_or_they_overlap_or_differ(
    a: tuple[str, ...], b: tuple[str, ...], count: int, word: str
) -> None:
    assert shared_prefix(a, b) == shared_prefix(b, a) == count
    assert relation(a, b) == relation(b, a) == word


def test_ids_are_read_in_order_from_the_records_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "episodes.csv").write_text("episode,id,mse,queries\n0,ab,1.5,3\n1,cd,2.5,3\n")
    assert read_ids(tmp_path) == ("ab", "cd")


@pytest.mark.parametrize("text", ["", "episode,accuracy,correct,queries,loss\n0,1,2,2,0\n", None])
def test_runs_by_earlier_versions_and_unfinished_ones_have_no_ids(
    tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "episodes.csv").write_text(text)
    assert read_ids(tmp_path) == ()


def test_a_shorter_list_of_a_stream_begins_the_longer_one_and_another_seed_shares_nothing(
    make_stream: Callable[..., EpisodeStream],
) -> None:
    def ids(count: int, seed: int) -> tuple[str, ...]:
        stream = make_stream(stream_seed=seed)
        return EpisodeList.of(stream.batches(count, 7)).ids(stream.pool.fingerprint)

    assert relation(ids(10, 0), ids(30, 0)) == "prefix"
    assert shared_prefix(ids(10, 0), ids(30, 0)) == 10
    assert relation(ids(30, 1), ids(30, 0)) == "different"

"""Suite data: a test that the data have no room for is refused before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.dataset import DataFiles
from bench.errors import BenchError
from bench.registry import Registry
from bench.suite import CommonTest, Suite
from bench.suite.datacheck import check_by_data
from tests.bench.suite.folders import missing_of, suite_in

RECIPE = """
about = ""
budget = "smoke"
algo = "protonet"
data = "glyphs"
steps = 30
queries = 4
episodes = 10

[set]
data.drawings = 5

[sizes.5w1s]
[sizes.5w2s]
"""
SUITE = """
about = ""
data = "glyphs"

[test]
queries = 3
episodes = 10

[[training]]
recipe = "small.toml"
sizes = { 5w1s = ["5w1s", "5w2s"] }
"""


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return suite_in(tmp_path, SUITE, RECIPE)


@pytest.fixture
def seen() -> list[int]:
    """How many classes were read, each time that the cache was made."""
    return []


def check(
    suite: Suite, registry: Registry, seen: list[int], done: int = 0, only_cached: bool = False
) -> None:
    tests = missing_of(suite)
    tests[:done] = [replace(one, state="done") for one in tests[:done]]
    files = DataFiles(Path("nowhere"), download=False)
    progress = lambda number, _: seen.append(number)  # noqa: E731  # it is one expression
    check_by_data(suite, tests, registry, files, progress, only_cached=only_cached)


def at(suite: Suite, trained: str, *tested: str, queries: int = 3) -> Suite:
    training = replace(suite.training[0], sizes={trained: tested})
    return replace(suite, training=(training,), test=CommonTest(queries, 10))


def test_what_there_is_room_for_is_let_through_and_the_data_are_read_once(
    suite: Suite, registry: Registry, seen: list[int]
) -> None:
    """A class has 5 images: 2 known ones and 3 queries."""
    check(suite, registry, seen)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("trained", "tested", "queries", "words"),
    [
        ("5w1s", "5w2s", 4, r"recipe small at 5w1s, to be tested at 5w2s: 2 shots \+ 4 queries"),
        ("5w1s", "9999w1s", 3, r"tested at 9999w1s: 9999 ways, but the test split has \d+ classes"),
        ("5w1s", "300w1s", 3, r"tested at 300w1s: 300 ways, but the val split has \d+ classes"),
        ("5w2s", "5w2s", 3, r"recipe small at 5w2s: 2 shots \+ 4 queries = 6, but class"),
    ],
)
def test_what_there_is_no_room_for_is_told_with_its_size_and_split(
    suite: Suite,
    registry: Registry,
    seen: list[int],
    trained: str,
    tested: str,
    queries: int,
    words: str,
) -> None:
    with pytest.raises(BenchError, match=words):
        check(at(suite, trained, tested, queries=queries), registry, seen)


def test_what_is_done_is_not_asked_again(suite: Suite, registry: Registry, seen: list[int]) -> None:
    bad = at(suite, "5w2s", "5w1s")
    with pytest.raises(BenchError, match="small at 5w2s"):
        check(bad, registry, seen)
    check(bad, registry, seen, done=1)


def test_a_dry_run_asks_only_data_that_are_in_the_cache(
    suite: Suite,
    registry: Registry,
    seen: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    bad = at(suite, "5w1s", "9999w1s")
    check(bad, registry, seen, only_cached=True)
    assert not (tmp_path / "cache").exists()
    check(suite, registry, seen)
    assert seen
    with pytest.raises(BenchError, match="9999 ways"):
        check(bad, registry, seen, only_cached=True)

"""Suite failures: a test that could not begin is not tried again until something has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.results import RunRecord
from bench.suite import CommonTest, Suite
from bench.suite.failures import forget, recalled, remember
from bench.suite.state import Found
from tests.bench.suite.folders import missing_of, suite_in

RECIPE = """
about = ""
budget = "smoke"
algo = "protonet"
data = "toy"
steps = 30
queries = 15
episodes = 1000

[sizes.5w1s]
"""
SUITE = """
about = ""
data = "toy"

[[training]]
recipe = "small.toml"
sizes = { 5w1s = ["5w1s", "5w5s"] }
modes = [{}, { name = "alone", set = { asked = "alone" } }]
"""
COMMON = CommonTest()
State = tuple[str, str]


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return suite_in(tmp_path, SUITE, RECIPE)


def rows_of(suite: Suite, training: RunRecord) -> list[Found]:
    """Returns the tests of a suite whose training is done, and nothing else is."""
    first, *missing = missing_of(suite)
    return [replace(first, folder=Path("run"), record=training, state="done"), *missing]


def states(logs: Path, tests: list[Found], common: CommonTest = COMMON) -> list[State]:
    return [(one.state, one.note) for one in recalled(logs, tests, common)]


def test_a_test_that_could_not_begin_has_failed_and_no_other_has(
    suite: Suite, tmp_path: Path, make_record: Callable[..., RunRecord]
) -> None:
    tests = rows_of(suite, make_record())
    assert len(tests) == 4
    remember(tmp_path, tests, 2, COMMON, "too few classes")
    missing = ("missing", "")
    assert states(tmp_path, tests) == [
        ("done", ""),
        missing,
        ("failed", "too few classes"),
        missing,
    ]
    forget(tmp_path, tests[2])
    assert states(tmp_path, tests) == [("done", ""), missing, missing, missing]


def test_one_that_has_a_record_tells_by_that(
    suite: Suite, tmp_path: Path, make_record: Callable[..., RunRecord]
) -> None:
    tests = rows_of(suite, make_record())
    cut = [*tests[:1], replace(tests[1], folder=Path("x"), state="cut"), *tests[2:]]
    remember(tmp_path, cut, 1, COMMON, "killed")
    assert states(tmp_path, tests)[1] == ("missing", "")
    remember(tmp_path, tests, 1, COMMON, "too few classes")
    assert states(tmp_path, cut)[1] == ("cut", "")


def test_it_is_forgotten_when_recipe_or_weights_or_episodes_change(
    suite: Suite, tmp_path: Path, make_record: Callable[..., RunRecord]
) -> None:
    record = make_record()
    assert record.outcome is not None
    tests = rows_of(suite, record)
    remember(tmp_path, tests, 1, COMMON, "too few classes")
    other = replace(record, outcome=replace(record.outcome, checkpoint_sha256="d" * 64))
    assert states(tmp_path, rows_of(suite, other))[1] == ("missing", "")
    assert states(tmp_path, tests, CommonTest(queries=14))[1] == ("missing", "")
    assert states(tmp_path, tests)[1][0] == "failed"
    (tmp_path / "small.toml").write_text(RECIPE.replace('about = ""', 'about = "Other words."'))
    assert states(tmp_path, tests)[1][0] == "failed"
    (tmp_path / "small.toml").write_text(RECIPE.replace("steps = 30", "steps = 31"))
    assert states(tmp_path, tests)[1] == ("missing", "")


def test_what_cannot_be_read_is_forgotten(
    suite: Suite, tmp_path: Path, make_record: Callable[..., RunRecord]
) -> None:
    tests = rows_of(suite, make_record())
    remember(tmp_path, tests, 1, COMMON, "too few classes")
    (path,) = tmp_path.glob("*.failed.json")
    path.write_text("{")
    assert states(tmp_path, tests)[1] == ("missing", "")


def test_of_a_training_whose_recipe_leaves_its_test_open_it_is_remembered_too(
    suite: Suite, tmp_path: Path
) -> None:
    (tmp_path / "small.toml").write_text(RECIPE.replace("queries = 15", ""))
    tests = missing_of(suite)
    remember(tmp_path, tests, 0, COMMON, "no such data")
    assert states(tmp_path, tests)[0] == ("failed", "no such data")

"""Folders of suites for tests: a recipe and the suite that names it, written and read."""

from __future__ import annotations

from pathlib import Path

from bench.suite import Suite, read_suite, tests_of
from bench.suite.state import Found


def suite_in(folder: Path, suite: str, recipe: str) -> Suite:
    """Returns the suite of a folder, in which its file and small.toml are written first."""
    (folder / "small.toml").write_text(recipe)
    (folder / "suite.toml").write_text(suite)
    return read_suite(folder)


def missing_of(suite: Suite) -> list[Found]:
    """Returns all tests of a suite of which nothing is made."""
    return [Found(test, None, None, "missing") for test in tests_of(suite)]

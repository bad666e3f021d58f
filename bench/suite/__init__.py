"""Suites: a file that names every row of a table, so that one command can make it.

A suite is TOML, `suite.toml` in the folder of its results. `[test]` has the episodes that every
row is tested on; `[tolerance]` says when a published number counts as reproduced. Each
`[[training]]` names a recipe, the sizes that it is trained at, each with the sizes that these
weights are tested at, the seeds, perhaps the steps in place of the recipe's, and the modes of the
test, perhaps with a published number each. The first mode is that of the run that trains, so it
sets nothing. A recipe that ends in .toml is a file, named from the suite's folder.

The run that trains has the recipe's own test. Where that has other queries or episodes than
`[test]`, it is a row of its own; with `own_test = true` the other sizes and modes have it too, with
`own_test = false` nobody has, and the row of that run is its training alone.
"""

from bench.suite.parts import CommonTest, Suite, Test, TestMode, Tolerance, Training
from bench.suite.reading import SUITE_FILE, check_suite, read_suite
from bench.suite.rows import own_test, tests_of

__all__ = [
    "SUITE_FILE",
    "CommonTest",
    "Suite",
    "Test",
    "TestMode",
    "Tolerance",
    "Training",
    "check_suite",
    "own_test",
    "read_suite",
    "tests_of",
]

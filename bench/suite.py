"""Suites: a file that names every row of a table, so that one command can make it.

A suite is TOML, `suite.toml` in the folder of its results. `[test]` has the episodes that every
row is tested on; `[tolerance]` says when a published number counts as reproduced. Each
`[[training]]` names a recipe, the sizes that it is trained at, each with the sizes that these
weights are tested at, the seeds, perhaps the steps in place of the recipe's, and the modes of the
test, perhaps with a published number each. With `own_test` the recipe's own test counts as well,
where it has other queries or episodes than `[test]`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.errors import BenchError
from bench.parameters import Value
from bench.recipe import Recipe, read_recipe, size_of

SUITE_FILE = "suite.toml"


@dataclass(frozen=True)
class CommonTest:
    """The episodes that all rows share: queries per class, their number, and their seed."""

    queries: int = 15
    episodes: int = 1000
    episode_seed: int = 0


@dataclass(frozen=True)
class Tolerance:
    """How far a mean may be from a published number: the larger of both, fixed beforehand.

    `points` are of a hundred; `deviations` are standard deviations over training seeds.
    """

    points: float = 1.0
    deviations: float = 2.0


@dataclass(frozen=True)
class TestMode:
    """A way to ask trained weights: parameters of the test in place of the training's.

    `published` is a method of bench/published.toml that was tested in this mode; '' if none was.
    `name` tells modes of one training apart, such as `as published` and `each query alone`.
    """

    __test__ = False  # not a test class of pytest

    name: str = ""
    set: dict[str, Value] = field(default_factory=dict)
    published: str = ""


@dataclass(frozen=True)
class Training:
    """What is trained by one recipe: `sizes` from the size trained at to the sizes tested at.

    `why` explains misses and shortened trainings to the reader of the table.
    """

    recipe: str
    sizes: dict[str, tuple[str, ...]]
    seeds: tuple[int, ...] = (0,)
    steps: int | None = None
    modes: tuple[TestMode, ...] = (TestMode(),)
    own_test: bool = False
    why: str = ""


@dataclass(frozen=True)
class Suite:
    """A table as its file names it."""

    about: str
    data: str
    training: tuple[Training, ...]
    test: CommonTest = CommonTest()
    tolerance: Tolerance = Tolerance()


@dataclass(frozen=True)
class Test:
    """One row's test: weights trained at `trained` (a size) with `seed`, tested at `size`.

    `own` is the recipe's own test, else it is the one that all rows share. If `evaluated`, the
    weights are another run's, and the test is a run of its own by `bench evaluate`.
    """

    __test__ = False

    training: Training
    trained: str
    seed: int
    size: str
    mode: TestMode
    own: bool
    evaluated: bool


def read_suite(folder: Path) -> Suite:
    """Reads the suite of a folder.

    Raises:
        BenchError: there is none, or it is not one; or a recipe or size that it names is unknown.
    """
    path = folder / SUITE_FILE
    try:
        suite = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Suite)
    except OSError as error:
        raise BenchError(
            f"{path} cannot be read: {error.strerror}; name a folder with one"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise BenchError(f"{path} is not a suite: {error}") from None
    for training in suite.training:
        recipe = read_recipe(training.recipe)
        for trained, tested in training.sizes.items():
            recipe.at(*size_of(trained))
            for size in tested:
                size_of(size)
    return suite


def tests_of(suite: Suite) -> Iterator[Test]:
    """Yields every test that the suite asks for; those of one training together, trained first."""
    for training in suite.training:
        recipe = read_recipe(training.recipe)
        for trained, sizes in training.sizes.items():
            for seed in training.seeds:
                yield from _tests(suite, training, recipe, trained, sizes, seed)


def _tests(
    suite: Suite,
    training: Training,
    recipe: Recipe,
    trained: str,
    sizes: tuple[str, ...],
    seed: int,
) -> Iterator[Test]:
    """Yields the tests of one training: the first is the run that trains."""
    first = training.modes[0]
    same = own_test(recipe, trained) == suite.test
    yield Test(training, trained, seed, trained, first, own=not same, evaluated=False)
    for size in sizes:
        for mode in training.modes:
            if not (same and size == trained and mode is first):
                yield Test(training, trained, seed, size, mode, own=False, evaluated=True)
            elsewhere = size != trained or mode is not first
            if training.own_test and elsewhere and own_test(recipe, size) != suite.test:
                yield Test(training, trained, seed, size, mode, own=True, evaluated=True)


def own_test(recipe: Recipe, size: str) -> CommonTest | None:
    """Returns the test that a recipe has at a size, also one that it does not train at.

    None if it does not name both queries and episodes.
    """
    values = recipe.at(*size_of(size)) if size in recipe.sizes else recipe.values
    if not {"queries", "episodes"} <= values.keys():
        return None
    return CommonTest(values["queries"], values["episodes"], values.get("episode_seed", 0))

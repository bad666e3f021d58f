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

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from bench.config import RunConfig
from bench.errors import BenchError, nearest
from bench.parameters import Value
from bench.published import published
from bench.recipe import Recipe, read_recipe, size_of
from bench.suitefile import read_parts
from bench.tasks import ACCURACY

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
    own_test: bool | None = None
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
    weights are another run's, and the test is a run of its own by `bench evaluate`. Whose test is
    not `counted` only trains: the suite asks for the weights alone.
    """

    __test__ = False

    training: Training
    trained: str
    seed: int
    size: str
    mode: TestMode
    own: bool
    evaluated: bool
    counted: bool = True


def read_suite(folder: Path) -> Suite:
    """Reads the suite of a folder; recipes that are files get paths that can be opened from here.

    Raises:
        BenchError: there is none, or it is not one; or a recipe or size that it names is unknown,
            or it asks for something twice.
    """
    path = folder / SUITE_FILE
    suite = read_parts(path, Suite)
    found = (_placed(training, folder) for training in suite.training)
    suite = replace(suite, training=tuple(found))
    try:
        check_suite(suite)
    except BenchError as error:
        raise BenchError(f"{path}: {error}") from None
    return suite


def _placed(training: Training, folder: Path) -> Training:
    """Returns a training whose recipe, if it is a file, is named from here."""
    if not training.recipe.endswith(".toml"):
        return training
    return replace(training, recipe=str(folder / training.recipe))


def check_suite(suite: Suite) -> None:
    """Raises BenchError if a suite asks for what cannot be, or for something twice."""
    test = suite.test
    usual = RunConfig("", suite.data, None, None, test.queries, episodes=test.episodes)
    replace(usual, episode_seed=test.episode_seed)
    _check_tolerance(suite.tolerance)
    if not suite.training:
        raise BenchError("there is no [[training]] in it; name one recipe at least")
    known: set[tuple[object, ...]] = set()
    for training in suite.training:
        recipe = read_recipe(training.recipe)
        _check_training(training, recipe, suite)
        for trained, tested in training.sizes.items():
            values = recipe.at(*size_of(trained))
            if len(set(tested)) < len(tested):
                raise BenchError(
                    f"of recipe {recipe.name} at {trained}, {', '.join(tested)} are to be tested; "
                    "name each size once"
                )
            for size in tested:
                size_of(size)
                _check_own(training, recipe, size)
            steps = values.get("steps") if training.steps is None else training.steps
            for seed in training.seeds:
                replace(usual, seed=seed, steps=steps)
                named = (recipe.name, recipe.sha256, trained, seed, steps)
                if named in known:
                    raise BenchError(
                        f"recipe {recipe.name} at {trained} with seed {seed} is there twice; name "
                        "each training once"
                    )
                known.add(named)


def _check_tolerance(tolerance: Tolerance) -> None:
    for each in fields(tolerance):
        value = getattr(tolerance, each.name)
        if not (math.isfinite(value) and value >= 0):
            raise BenchError(
                f"[tolerance] {each.name} is {value:g}; it must be 0 or more, such as "
                f"{each.name} = {each.default}"
            )


def _check_training(training: Training, recipe: Recipe, suite: Suite) -> None:
    """Raises BenchError unless data, seeds, sizes and modes go together."""
    name = recipe.name
    if recipe.values["data"] != suite.data:
        raise BenchError(f"recipe {name} is for {recipe.values['data']}, the suite {suite.data}")
    for key in ("sizes", "seeds", "modes"):
        if not getattr(training, key):
            raise BenchError(f"recipe {name} has no {key}; name one, or leave out {key}")
    if training.modes[0].set:
        raise BenchError(
            f"the first mode of recipe {name} sets {', '.join(training.modes[0].set)}; it is that "
            "of the run that trains, as the recipe says: put one that sets nothing first"
        )
    for number, mode in enumerate(training.modes):
        _check_published(mode.published, name, suite.data)
        for other in training.modes[:number]:
            if mode.name == other.name or mode.set == other.set:
                raise BenchError(
                    f"two modes of recipe {name} have the same name or set the same: "
                    f"'{other.name}' and '{mode.name}'; name each once"
                )


def _check_published(method: str, recipe: str, data: str) -> None:
    """Raises BenchError if nobody published a number of a method on these data."""
    known = {one.method for one in published() if one.data == data and one.metric == ACCURACY}
    if not method or method in known:
        return
    says = f'a mode of recipe {recipe} has published = "{method}", '
    if not known:
        raise BenchError(f"{says}but no published number is known on {data}; leave it out")
    raise BenchError(f"{says}which has no number on {data}; {nearest(method, known)}")


def _check_own(training: Training, recipe: Recipe, size: str) -> None:
    if training.own_test and own_test(recipe, size) is None:
        raise BenchError(
            f"recipe {recipe.name} does not name queries and episodes at {size}, so it has no test "
            "of its own there; leave out own_test"
        )


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
    counted = same or training.own_test is not False
    yield Test(
        training, trained, seed, trained, first, own=not same, evaluated=False, counted=counted
    )
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

"""Reading suites: the file of a folder, and whether it asks for what can be."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path

from bench.config import RunConfig
from bench.errors import BenchError, nearest
from bench.published import published
from bench.recipe import Recipe, read_recipe, size_of
from bench.suite.file import read_parts
from bench.suite.parts import Suite, Tolerance, Training
from bench.suite.rows import own_test
from bench.tasks import ACCURACY

SUITE_FILE = "suite.toml"


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

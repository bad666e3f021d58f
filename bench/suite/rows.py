"""The rows of a suite: every test that it asks for, trainings first."""

from __future__ import annotations

from collections.abc import Iterator

from bench.recipe import Recipe, read_recipe, size_of
from bench.suite.parts import CommonTest, Suite, Test, Training


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

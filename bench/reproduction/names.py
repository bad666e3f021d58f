"""Names: what the methods of a suite are called in its tables."""

from __future__ import annotations

from collections.abc import Sequence

from bench.recipe import read_recipe
from bench.suite import Suite, Test, TestMode, Training


def algorithms_of(suite: Suite) -> tuple[str, ...]:
    """Returns the algorithm of each training of a suite."""
    return tuple(str(read_recipe(one.recipe).values["algo"]) for one in suite.training)


def method_of(suite: Suite, test: Test, algorithms: Sequence[str]) -> str:
    """Returns the name of a test's method: as published, else as bench calls it.

    What a training's modes do not name is called as another training of the algorithm names it.
    Where several algorithms of the suite reproduce one method, bench's name follows. What is not
    trained is called as its recipe.
    """
    if not read_recipe(test.training.recipe).values.get("steps", 1):
        return recipe_name(test.training)
    own = algorithms[suite.training.index(test.training)]
    name = _called(suite, test.training, test.mode, algorithms)
    others = {
        algorithm
        for training, algorithm in zip(suite.training, algorithms, strict=True)
        if name in {_called(suite, training, mode, algorithms) for mode in training.modes}
    }
    return name if others == {own} else f"{name} ({own})"


def recipe_name(training: Training) -> str:
    """Returns the name of a training's recipe without its folder: `protonet-paper`."""
    return read_recipe(training.recipe).name.rpartition("/")[2]


def recipe_labels(suite: Suite) -> tuple[str, ...]:
    """Returns `paper`, `cpu` or `smoke` for each training, or its recipe's name.

    That where the suite has several recipes of one algorithm for one budget.
    """
    recipes = [read_recipe(one.recipe) for one in suite.training]
    alike: dict[tuple[str, str], set[str]] = {}
    for one in recipes:
        alike.setdefault((str(one.values["algo"]), one.budget), set()).add(one.name)
    return tuple(
        one.budget
        if len(alike[str(one.values["algo"]), one.budget]) == 1
        else one.name.rpartition("/")[2]
        for one in recipes
    )


def _called(suite: Suite, training: Training, mode: TestMode, algorithms: Sequence[str]) -> str:
    """Returns the published method of a mode, else of the training or its kin, else the algorithm.

    Kin are the suite's other trainings of the same algorithm.
    """
    own = algorithms[suite.training.index(training)]
    kin = [one for one, name in zip(suite.training, algorithms, strict=True) if name == own]
    names = (one.published for member in (training, *kin) for one in member.modes)
    return mode.published or next(filter(None, names), own)

"""Suite checks: what only the plugins know, looked up before hours are spent on trainings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.algorithm import Algorithm
from bench.errors import BenchError, nearest
from bench.files import source_digest
from bench.parameters import settle
from bench.recipe import read_recipe, size_of
from bench.registry import Registry
from bench.suite.parts import Suite, TestMode, Training
from bench.suite.state import Found


def check_by_plugins(suite: Suite, registry: Registry, path: Path) -> None:
    """Raises BenchError if an algorithm is unknown, or weights cannot be tested as is asked.

    `path` is the suite's file, for the message.
    """
    try:
        _check(suite, registry)
    except BenchError as error:
        raise BenchError(f"{path}: {error}") from None


def _check(suite: Suite, registry: Registry) -> None:
    registry.dataset(suite.data)
    for training in suite.training:
        algorithm = registry.algorithm(read_recipe(training.recipe).values["algo"])
        _check_sizes(training, algorithm)
        for mode in training.modes:
            _check_mode(training, mode, algorithm)


def _check_sizes(training: Training, algorithm: type[Algorithm]) -> None:
    """Raises BenchError if the weights of a training would meet ways that they are not for."""
    for trained, tested in training.sizes.items():
        for size in tested:
            if size_of(size)[0] != size_of(trained)[0] and not algorithm.any_way:
                raise BenchError(
                    f"recipe {training.recipe} at {trained} is to be tested at {size}, but "
                    f"{algorithm.name} is made for one number of ways; name {size} among its sizes"
                )


def _check_mode(training: Training, mode: TestMode, algorithm: type[Algorithm]) -> None:
    """Raises BenchError unless a mode sets what only tests read, each to a value of its type."""
    for name in mode.set:
        if name not in algorithm.test_parameters:
            raise BenchError(
                f"mode '{mode.name}' of recipe {training.recipe} sets {name}, which is no "
                f"parameter of {algorithm.name} that only tests read; "
                f"{nearest(name, algorithm.test_parameters)}"
            )
    try:
        settled = settle(algorithm.name, algorithm, mode.set)
    except BenchError as error:
        raise BenchError(f"mode '{mode.name}' of recipe {training.recipe}: {error}") from None
    for name, value in mode.set.items():
        if settled[name] != value:
            raise BenchError(
                f"mode '{mode.name}' of recipe {training.recipe} sets {name} to {value!r}; write "
                f"it as {settled[name]!r}"
            )


def changed_code(found: Sequence[Found], registry: Registry) -> frozenset[Path]:
    """Returns the folders of unfinished runs that other code of their algorithm began."""
    return frozenset(
        one.folder
        for one in found
        if one.folder and one.record and one.record.status != "complete"
        if one.record.algorithm.name in registry.algorithms.entries
        if one.record.algorithm.source_sha256
        != source_digest(registry.algorithm(one.record.algorithm.name))
    )

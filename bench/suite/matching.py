"""Matching: which record of a run is that of a suite's test, by what the record says.

Names of run folders say nothing here, as they are hashes of resolved values. This module imports
neither torch nor algorithms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Literal

from bench.config import RunConfig
from bench.errors import BenchError
from bench.recipe import Recipe, flat, read_recipe, size_of
from bench.results import RunRecord
from bench.suite.parts import CommonTest, Test
from bench.suite.rows import own_test

Kinship = Literal["same", "older", "other"]
"""Whether a run is the training, or was made by an older recipe of this name, or is another."""

_FREE = ("device", "threads", "out", "data_root", "download", "checkpoint_every")
"""What a run may have been asked for without being another run."""
_BY_SUITE = ("steps", "seed")
"""What a suite gives in place of a recipe's values."""


def kinship(record: RunRecord, recipe: Recipe, test: Test) -> Kinship:
    """Tells whether a run is the training, by a recipe as it is today, that a test needs.

    A recipe that has changed only elsewhere, as at another size, is still the same.
    """
    made_by = record.recipe
    if made_by is None or made_by.name != recipe.name or record.weights_from:
        return "other"
    if _asked(record) == _wanted(recipe, test, record):
        return "same"
    sizes = record.protocol.ways, record.protocol.shots
    names = {text.partition("=")[0] for text in made_by.changed}
    alike = sizes == size_of(test.trained) and record.training.seed == test.seed
    if made_by.sha256 == recipe.sha256 or names - set(_BY_SUITE) or not alike:
        return "other"
    steps = record.config.get("steps")
    if test.training.steps is not None or "steps" in names:
        return "older" if test.training.steps == steps else "other"
    return "older"


def is_test(record: RunRecord, test: Test, wanted: CommonTest, trained: RunRecord) -> bool:
    """Tells whether a run is this test, on the episodes `wanted`, of a finished training."""
    protocol = record.protocol
    return (
        trained.outcome is not None
        and record.weights_from == trained.outcome.checkpoint_sha256
        and record.test_data is None
        and protocol.kind == "fixed"
        and not protocol.file_sha256
        and (protocol.ways, protocol.shots) == size_of(test.size)
        and CommonTest(protocol.queries, protocol.episodes, protocol.episode_seed) == wanted
        and _has_parameters(record, test, trained)
    )


def _has_parameters(record: RunRecord, test: Test, trained: RunRecord) -> bool:
    """Tells whether parameters are those of the mode, and else of the training.

    Parameters that came after the training have their defaults.
    """
    wanted = {**trained.algorithm.parameters, **test.mode.set}
    given = record.config.get("set")
    later = record.algorithm.parameters.keys() - wanted.keys()
    return not (isinstance(given, Mapping) and later & given.keys()) and all(
        value == wanted[name]
        for name, value in record.algorithm.parameters.items()
        if name not in later
    )


def protocol_of(test: Test, common: CommonTest) -> CommonTest:
    """Returns queries, episodes and their seed: the common ones, or those of the recipe.

    Raises:
        BenchError: it is the recipe's own test, but the recipe does not name them.
    """
    if not test.own:
        return common
    recipe = read_recipe(test.training.recipe)
    own = own_test(recipe, test.size)
    if own is None:
        raise BenchError(
            f"recipe {recipe.name} names no queries and episodes, so it has no test of its own at "
            f"{test.size}; leave out own_test"
        )
    return own


def steps_of(test: Test) -> int | None:
    """Returns the steps of a test's training; None if its algorithm decides."""
    if test.training.steps is not None:
        return test.training.steps
    steps: int | None = read_recipe(test.training.recipe).at(*size_of(test.trained)).get("steps")
    return steps


def _asked(record: RunRecord) -> dict[str, object]:
    """Returns what a run was asked for, flat; what its version did not know has its default."""
    plain = {name: record.config.get(name, default) for name, default in _defaults().items()}
    given = record.config.get("set")
    return plain | flat(given if isinstance(given, Mapping) else {}, "set.")


def _wanted(recipe: Recipe, test: Test, record: RunRecord) -> dict[str, object]:
    """Returns the same of a test's training; what the recipe leaves open is as in the record."""
    values = recipe.at(*size_of(test.trained)) | {"seed": test.seed}
    if test.training.steps is not None:
        values["steps"] = test.training.steps
    values.setdefault("episodes", record.config.get("episodes"))
    plain = {name: values.get(name, default) for name, default in _defaults().items()}
    return plain | flat(values["set"], "set.")


def _defaults() -> dict[str, object]:
    return {
        field.name: None if field.default is MISSING else field.default
        for field in fields(RunConfig)
        if field.name not in (*_FREE, "set")
    }

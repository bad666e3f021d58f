"""What holds for all learn2learn-backed plugins: their twins' defaults, and bad values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.errors import BenchError
from bench.parameters import parameters_of
from bench.registry import Registry
from tests.plugins.learn2learn import made, needs_learn2learn

TWINS = {
    "l2l-maml": "maml",
    "l2l-fomaml": "fomaml",
    "l2l-metasgd": "metasgd",
    "l2l-metacurvature": "maml",
    "l2l-anil": "anil",
    "l2l-kfo": "anil",
    "l2l-protonet": "protonet",
    "l2l-reptile": "reptile",
}

LACKS = {"l2l-maml": ("prediction",), "l2l-metacurvature": ("first_order", "prediction")}
"""What a twin has and the plugin has not."""
OWN = {"l2l-metacurvature": {"test_steps": 1}, "l2l-kfo": {"inner_steps": 1, "test_steps": 1}}
"""Other defaults on curves: with learnt matrices, more steps diverge."""


@pytest.mark.parametrize(("theirs", "ours"), TWINS.items())
def test_defaults_are_those_of_the_twin(theirs: str, ours: str, registry: Registry) -> None:
    twin, cls = registry.algorithm(ours), registry.algorithm(theirs)
    defaults = {p.name: p.default for p in parameters_of(cls)}
    for parameter in parameters_of(twin):
        if parameter.name not in LACKS.get(theirs, ()):
            assert defaults[parameter.name] == parameter.default, parameter.name
    assert cls.tasks == twin.tasks
    assert cls.regression_defaults == {**twin.regression_defaults, **OWN.get(theirs, {})}
    assert cls.any_way == twin.any_way
    assert cls.requires == ("learn2learn",)


@pytest.mark.parametrize(("theirs", "ours"), TWINS.items())
def test_training_is_that_of_the_twin_but_never_longer(
    theirs: str, ours: str, registry: Registry
) -> None:
    twin, cls = registry.algorithm(ours), registry.algorithm(theirs)
    for its, mine in (
        (cls.training_plan, twin.training_plan),
        (cls.regression_plan, twin.regression_plan),
    ):
        assert its.steps <= mine.steps
        assert replace(its, steps=mine.steps) == mine


@needs_learn2learn
@pytest.mark.parametrize("wrong", [{"inner_steps": 0}, {"test_steps": -1}])
@pytest.mark.parametrize("name", sorted(TWINS.keys() - {"l2l-protonet"}))
def test_a_value_that_is_not_positive_is_named(
    name: str, wrong: dict[str, Any], registry: Registry
) -> None:
    ((parameter, value),) = wrong.items()
    with pytest.raises(BenchError, match=f"{parameter} is {value}; it must be positive"):
        made(registry, name, "smooth", **wrong)

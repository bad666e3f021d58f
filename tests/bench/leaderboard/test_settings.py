"""Settings: a recipe's name stands for what it sets, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.leaderboard.settings import settings_of
from bench.measurements import RecipeRecord
from bench.recipe import read_recipe
from bench.results import RunRecord

NAME = "omniglot/maml-cpu"
Make = Callable[..., RunRecord]


@pytest.fixture
def make(make_record: Make) -> Callable[..., list[str]]:
    """Returns the settings of a run of maml by its recipe; `given` are other values of its own."""
    recipe = read_recipe(NAME)
    names = ("lr", "inner_lr", "first_order")
    values = {name: recipe.at(5, 1)["set"][name] for name in names}
    own = {name: str(value).lower() for name, value in values.items()}

    def make(given: dict[str, str], changed: tuple[str, ...] = (), sha256: str = "") -> list[str]:
        made_by = RecipeRecord(NAME, sha256 or recipe.sha256, changed)
        return settings_of(make_record("maml", recipe=made_by, config={"set": own | given}))

    return make


def test_what_the_recipe_sets_is_said_by_its_name(make: Callable[..., list[str]]) -> None:
    assert make({}) == ["cpu"]


def test_what_a_test_sets_and_what_was_changed_is_said_besides(
    make: Callable[..., list[str]],
) -> None:
    assert make({"prediction": "support-plus-one"}) == ["cpu", "prediction=support-plus-one"]
    changed = ("steps=20 (recipe: 14500)", "set.lr=0.5 (recipe: 0.002)")
    assert make({"lr": "0.5"}, changed) == ["cpu", "steps=20", "lr=0.5"]


def test_parameters_of_the_data_are_not_of_the_method(make: Callable[..., list[str]]) -> None:
    assert make({"data.size": "28", "test.size": "28"}) == ["cpu"]


def test_of_a_recipe_that_is_no_longer_the_same_all_values_are_said(
    make: Callable[..., list[str]],
) -> None:
    lr, *others = make({}, sha256="a" * 64)
    assert lr == f"lr={read_recipe(NAME).at(5, 1)['set']['lr']}"
    assert len(others) == 2


def test_of_a_recipe_of_ones_own_all_values_are_said(make_record: Make) -> None:
    record = make_record(recipe=RecipeRecord("mine", "a" * 64), config={"set": {"lr": "0.5"}})
    assert settings_of(record) == ["lr=0.5"]
    assert settings_of(make_record(config={"set": {"lr": "0.5"}})) == ["lr=0.5"]
    assert settings_of(make_record()) == []


def test_what_a_recipe_sets_at_another_size_only_is_said(make_record: Make) -> None:
    """Reptile's recipe lets queries inform one another at 20 ways, but not at 5."""
    recipe = read_recipe("omniglot/reptile-cpu")
    made_by = RecipeRecord(recipe.name, recipe.sha256)
    together = {"set": {"prediction": "transductive"}}
    record = make_record("reptile", recipe=made_by, config=together)
    protocols = {ways: replace(record.protocol, ways=ways) for ways in (5, 7, 20)}
    said = {ways: settings_of(replace(record, protocol=p)) for ways, p in protocols.items()}
    shown = ["cpu", "prediction=transductive"]
    assert said == {5: shown, 7: shown, 20: ["cpu"]}

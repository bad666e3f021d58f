"""What the shipped recipes promise: they run, and every value of a paper's says where it is from.

A source or departure explains the value of its key, such as `steps`, `set.lr` or `5w1s.steps`;
without a size it explains the value at every size. A name that begins with a capital, such as
Rotation, is a topic: something that differs and is no flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from bench.cli.config_file import checked
from bench.config import RunConfig
from bench.extras import is_installed
from bench.job import Job, prepare
from bench.parameters import read_assignments
from bench.recipe import Recipe, read_recipe, recipe_names, size_of
from bench.registry import Registry

NAMES = recipe_names()
PAPER = [name for name in NAMES if read_recipe(name).budget == "paper"]
CPU = [name for name in NAMES if read_recipe(name).budget == "cpu"]
EXPLAINED_BY_THE_NAME = {"algo", "data"}
PLAIN_URL = re.compile(r"https://[a-z0-9.-]+(/[\w.+-]+)*/?")


def job_of(recipe: Recipe, size: str, registry: Registry, data_root: Path | None) -> Job:
    """Returns the run that a recipe asks for, prepared as the command line does."""
    values = checked(recipe.at(*size_of(size)), recipe.name)
    root = None if data_root is None else str(data_root)
    settings = read_assignments(values.pop("set"))
    config = RunConfig(**values, set=settings, data_root=root, download=False)
    return prepare(config, registry, lambda *_: None)


def flat(values: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Yields the names of values, those of tables with the table's name before them."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        else:
            yield before + key


def values_of(recipe: Recipe) -> list[tuple[str, ...]]:
    """Returns for each value the names by which it can be explained."""
    common: list[tuple[str, ...]] = [(key,) for key in flat(recipe.values)]
    special = [
        (f"{size}.{key}", key) for size, values in recipe.sizes.items() for key in flat(values)
    ]
    return [*common, *special]


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_prepares_a_run_at_each_of_its_sizes(
    name: str, registry: Registry, request: pytest.FixtureRequest
) -> None:
    recipe = read_recipe(name)
    missing = [
        package
        for package in registry.algorithm(recipe.values["algo"]).requires
        if not is_installed(package)
    ]
    if missing:
        pytest.skip(f"{missing[0]} is not installed; run bench install {missing[0]}")
    made_here = recipe.values["data"] == "glyphs"
    root = None if made_here else request.getfixturevalue("shared_data")
    for size in recipe.sizes:
        job = job_of(recipe, size, registry, root)
        assert (job.test_protocol.ways, job.test_protocol.shots) == size_of(size)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_named_after_its_budget_and_says_what_it_is_in_a_sentence(name: str) -> None:
    recipe = read_recipe(name)
    for budget, is_so in (
        ("paper", name.endswith("-paper")),
        ("cpu", name.endswith("-cpu")),
        ("smoke", name.startswith("smoke/")),
    ):
        assert not is_so or recipe.budget == budget
    assert recipe.about.endswith(".") and len(recipe.about) <= 160


@pytest.mark.parametrize("name", PAPER)
def test_every_value_of_a_papers_recipe_has_a_source_or_says_why_it_has_none(name: str) -> None:
    recipe = read_recipe(name)
    explained = {*recipe.sources, *recipe.departures} | EXPLAINED_BY_THE_NAME
    assert [names[0] for names in values_of(recipe) if not explained & set(names)] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_source_and_departure_is_about_a_value_that_is_there(name: str) -> None:
    recipe = read_recipe(name)
    known = {key for names in values_of(recipe) for key in names}
    assert set(recipe.sources) <= known
    assert {key for key in recipe.departures if not key[0].isupper()} <= known
    for words in (*recipe.sources.values(), *recipe.departures.values()):
        assert words.strip() == words and len(words) > 3


@pytest.mark.parametrize("name", NAMES)
def test_an_address_in_a_recipe_is_one_that_can_be_typed(name: str) -> None:
    recipe = read_recipe(name)
    for words in (recipe.about, *recipe.sources.values(), *recipe.departures.values()):
        for word in words.split():
            assert "://" not in word or PLAIN_URL.fullmatch(word.strip("(),;.:"))


@pytest.mark.parametrize("name", CPU)
def test_a_recipe_for_a_cpu_is_tested_on_the_common_episodes(name: str) -> None:
    recipe = read_recipe(name)
    for size in recipe.sizes:
        values = recipe.at(*size_of(size))
        assert (values["queries"], values["episodes"]) == (15, 1000)
        assert values.get("episode_seed", 0) == 0
        assert not any(key.startswith("data.") for key in flat(values["set"]))


def test_relationnet_has_its_authors_query_counts_in_training_and_test() -> None:
    recipe = read_recipe("omniglot/relationnet-paper")
    counts = {size: recipe.at(*size_of(size)) for size in recipe.sizes}
    trained = {size: values["train_queries"] for size, values in counts.items()}
    assert trained == {"5w1s": 19, "5w5s": 15, "20w1s": 10, "20w5s": 5}
    assert all(values["queries"] == values["shots"] for values in counts.values())


def test_r2d2_has_its_authors_600_images_in_each_training_episode() -> None:
    recipe = read_recipe("omniglot/r2d2-paper")
    for size in recipe.sizes:
        values = recipe.at(*size_of(size))
        assert values["train_ways"] * (values["train_shots"] + values["train_queries"]) == 600


@pytest.mark.parametrize(
    ("name", "epochs", "batch"),
    [("baseline", 5, 16), ("baseline++", 5, 16), ("simpleshot", 90, 256)],
)
def test_whole_class_training_sees_the_training_images_as_often_as_in_the_authors_code(
    name: str, epochs: int, batch: int
) -> None:
    values = read_recipe(f"omniglot/{name}-paper").at(5, 1)
    assert values["train_ways"] * (values["train_shots"] + values["train_queries"]) == batch
    images = 1028 * 4 * 20  # characters of Vinyals' training list, directions, drawings
    assert values["steps"] == epochs * -(-images // batch)


def test_relationnets_modes_are_trained_alike_but_for_batch_norm() -> None:
    published, honest = (
        read_recipe(f"omniglot/relationnet-{mode}") for mode in ("paper", "honest")
    )
    trained = ("steps", "schedule", "train_ways", "train_shots", "train_queries", "train_on")
    for size, key in product(published.sizes, trained):
        assert published.at(*size_of(size))[key] == honest.at(*size_of(size))[key]
    modes = [recipe.at(5, 1)["set"].pop("norm") for recipe in (published, honest)]
    assert modes == ["batch", "running"]
    assert published.at(5, 1)["set"] | {"norm": ""} == honest.at(5, 1)["set"] | {"norm": ""}

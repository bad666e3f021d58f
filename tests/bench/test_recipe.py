"""Recipes as files: names, sizes, what the hash covers, and what is refused."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.recipe import FOLDER, changes, read_recipe, recipe_names, recipe_path, size_of

Write = Callable[..., str]

FULL = """
about = "A trial."
budget = "cpu"
algo = "protonet"
data = "gaussians"
train-ways = 10
steps = 100

[set]
lr = 0.001

[set.data]
seed = 3
spread = 0.5

[sizes.5w1s]
train-shots = 1

[sizes.5w5s]
train_shots = 5
steps = 50

[sizes.5w5s.set]
temperature = 2.0

[sizes.5w5s.set.data]
spread = 0.7

[sources]
steps = "section 3"

[departures]
"set.lr" = "It was not told."
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a recipe into a file, perhaps changed; returns its path as a user gives it."""

    def to(text: str = FULL, *changed: tuple[str, str], name: str = "trial.toml") -> str:
        for old, new in changed:
            assert text.count(old) == 1
            text = text.replace(old, new)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return to


def test_the_names_are_those_of_the_files_below_the_folder() -> None:
    assert list(recipe_names()) == sorted(recipe_names())
    assert "omniglot/protonet-paper" in recipe_names()
    assert all(recipe_path(name).is_file() for name in recipe_names())
    assert len(recipe_names()) == len(list(FOLDER.glob("**/*.toml")))


def test_a_recipe_is_read_by_its_name_or_by_the_path_of_a_file(write: Write) -> None:
    shipped = read_recipe("omniglot/protonet-paper")
    assert (shipped.name, shipped.budget) == ("omniglot/protonet-paper", "paper")
    own = read_recipe(write())
    assert (own.name, own.about, own.budget) == ("trial", "A trial.", "cpu")
    assert own.sources == {"steps": "section 3"}
    assert own.departures == {"set.lr": "It was not told."}


def test_a_file_of_ones_own_is_never_taken_for_a_shipped_recipe(write: Write) -> None:
    assert read_recipe(write(name="protonet-paper.toml")).name not in recipe_names()


def test_values_have_the_names_of_flags_however_they_are_written(write: Write) -> None:
    recipe = read_recipe(write())
    assert recipe.values["train_ways"] == 10
    assert recipe.sizes["5w1s"] == {"train_shots": 1}


def test_a_size_adds_its_values_and_tables_are_merged_key_by_key(write: Write) -> None:
    recipe = read_recipe(write())
    common = {"algo": "protonet", "data": "gaussians", "train_ways": 10, "ways": 5}
    assert recipe.at(5, 1) == common | {
        "shots": 1,
        "steps": 100,
        "train_shots": 1,
        "set": {"lr": 0.001, "data": {"seed": 3, "spread": 0.5}},
    }
    assert recipe.at(5, 5) == common | {
        "shots": 5,
        "steps": 50,
        "train_shots": 5,
        "set": {"lr": 0.001, "data": {"seed": 3, "spread": 0.7}, "temperature": 2.0},
    }
    assert recipe.values["set"] == {"lr": 0.001, "data": {"seed": 3, "spread": 0.5}}


def test_what_is_not_asked_for_is_as_in_the_first_size(write: Write) -> None:
    recipe = read_recipe(write())
    assert recipe.at(None, None) == recipe.at(5, 1)
    assert recipe.at(None, 5) == recipe.at(5, 5)
    assert recipe.at(5, None) == recipe.at(5, 1)


@pytest.mark.parametrize("size", [(20, None), (None, 2), (0, 1)])
def test_a_size_that_it_is_not_for_is_refused(size: tuple[int, int], write: Write) -> None:
    with pytest.raises(BenchError, match="recipe trial is for 5w1s, 5w5s, not for"):
        read_recipe(write()).at(*size)


@pytest.mark.parametrize(("text", "size"), [("5w1s", (5, 1)), ("20w15s", (20, 15))])
def test_a_size_is_ways_and_shots(text: str, size: tuple[int, int]) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize(
    "text", ["", "5w", "5w1", "w1s", "0w1s", "05w1s", "5w-1s", "5W1s", "5w1s "]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(BenchError, match="is no size; write ways and shots such as 5w1s"):
        size_of(text)


def test_the_hash_covers_every_value_and_no_word(write: Write) -> None:
    known = read_recipe(write()).sha256
    for changed in (
        ('about = "A trial."', 'about = "Another."'),
        ('budget = "cpu"', 'budget = "paper"'),
        ('steps = "section 3"', 'steps = "section 4"'),
        ("It was not told.", "It was."),
        ("train-ways = 10\nsteps = 100", "steps = 100  # many\ntrain_ways = 10"),
    ):
        assert read_recipe(write(FULL, changed)).sha256 == known
    assert read_recipe(write(name="other.toml")).sha256 == known
    for changed in (
        ("train-ways = 10", "train-ways = 11"),
        ("train-ways = 10", "train-ways = 10\nschedule = 'linear'"),
        ("lr = 0.001", "lr = 0.002"),
        ("spread = 0.7", "spread = 0.8"),
        ("train-shots = 1", "train-shots = 2"),
        ("train-shots = 1", "train-shots = 1\n[sizes.20w1s]"),
    ):
        assert read_recipe(write(FULL, changed)).sha256 != known


def test_the_hash_is_that_of_the_values_as_sorted_json(write: Write) -> None:
    text = 'about = "x"\nbudget = "cpu"\ndata = "b"\nalgo = "a"\n[sizes.5w1s]\nsteps = 3\n'
    expected = hashlib.sha256(b'[{"algo":"a","data":"b"},{"5w1s":{"steps":3}}]').hexdigest()
    assert read_recipe(write(text)).sha256 == expected


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (('budget = "cpu"', 'budget = "gpu"'), "Invalid enum value 'gpu'"),
        (('algo = "protonet"\n', ""), "has no algo; it needs that"),
        (('data = "gaussians"\n', ""), "has no data; it needs that"),
        (("[sizes.5w1s]", "[sizes.5w]"), "'5w' is no size"),
        (("[sizes.5w1s]", "[sizes.5w1s]\nways = 5"), "has 'ways', which follows from"),
        (("[sizes.5w1s]", "[sizes.5w1s]\nalgo = 'maml'"), "is the same at all sizes"),
        (("steps = 100", "seed = 3"), "has 'seed', which is for each run to choose"),
        (("steps = 100", "data-root = '/x'"), "has 'data_root', which is for each run"),
        (("steps = 100", "test_data = 'glyphs'"), "has 'test_data', which is for each run"),
        (("[sizes.5w1s]", "[sizes.5w1s]\nset = 3"), "'set' must be a table"),
        (("[set]\nlr = 0.001\n\n[set.data]\nseed = 3\nspread = 0.5", "set = 1"), "must be a table"),
        (("steps = 100", "steps = "), "is not valid TOML"),
        (('steps = "section 3"', "steps = 3"), "Expected `str`, got `int`"),
    ],
)
def test_what_is_no_recipe_is_refused_with_the_file_and_the_reason(
    changed: tuple[str, str], why: str, write: Write
) -> None:
    with pytest.raises(BenchError) as caught:
        read_recipe(write(FULL, changed))
    assert why in str(caught.value)
    assert "trial.toml" in str(caught.value) or "no size" in why
    assert "\n" not in str(caught.value)


def test_a_recipe_of_ones_own_needs_an_algorithm_and_data_and_is_then_for_5_way_1_shot(
    write: Write,
) -> None:
    own = read_recipe(write('algo = "a"\ndata = "b"\n'))
    assert (own.about, own.budget, list(own.sizes)) == ("", "own", ["5w1s"])
    assert own.at(None, None) == {"algo": "a", "data": "b", "ways": 5, "shots": 1, "set": {}}


def test_a_recipe_without_any_size_is_refused(write: Write) -> None:
    text = 'about = "x"\nbudget = "cpu"\nalgo = "a"\ndata = "b"\nsizes = {}\n'
    with pytest.raises(BenchError, match="has no sizes; it needs that"):
        read_recipe(write(text))


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"none\.toml cannot be read: No such file"):
        read_recipe(str(tmp_path / "none.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BenchError, match=r"bytes\.toml is not valid TOML"):
        read_recipe(str(tmp_path / "bytes.toml"))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("omniglot/protonet-papr", "omniglot/protonet-paper"),
        ("protonet-paper", "omniglot/protonet-paper"),
        ("Omniglot/protonet-paper", "omniglot/protonet-paper"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one_and_not_all(name: str, meant: str) -> None:
    with pytest.raises(BenchError) as caught:
        read_recipe(name)
    assert str(caught.value) == (
        f"there is no recipe '{name}'; did you mean '{meant}'? see bench list recipes"
    )


@pytest.mark.parametrize("name", ["", "zzz", "../recipes/omniglot/protonet-paper", "omniglot"])
def test_only_names_in_the_list_are_names(name: str) -> None:
    with pytest.raises(BenchError, match="there is no recipe"):
        read_recipe(name)


def test_a_change_is_told_beside_the_recipe_s_own_value() -> None:
    recipe = {"steps": 100, "schedule": "cosine", "set.lr": "0.001", "set.norm": "batch"}
    assert changes(recipe, {}) == ()
    assert changes(recipe, {"steps": 100, "set.lr": "1e-3", "set.norm": "batch"}) == ()
    assert changes(recipe, {"steps": 20, "set.lr": "0.01", "meta_batch": 2}) == (
        "steps=20 (recipe: 100)",
        "set.lr=0.01 (recipe: 0.001)",
    )


def test_reading_recipes_needs_no_torch() -> None:
    code = (
        "import sys; from bench.recipe import read_recipe, recipe_names; "
        "[read_recipe(name) for name in recipe_names()]; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

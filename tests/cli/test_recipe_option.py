"""`bench run --recipe`: whose values win, what the record says, and what is refused."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.recipe import read_recipe, recipe_names
from bench.results import RunRecord, find_runs, read_run, seal_of
from tests.cli.verifying import bench

RECIPE = """
about = "A moment on points."
budget = "smoke"
algo = "protonet"
data = "gaussians"
train_ways = 6
train_queries = 3
steps = 3
schedule = "linear"
validate_every = 2
validation_episodes = 4
queries = 4
episodes = 12

[set]
lr = 0.01

[set.data]
spread = 0.7
seed = 3

[sizes.5w1s]
train_shots = 1

[sizes.5w2s]
train_shots = 2
steps = 5

[sizes.3w1s]
set = {data = {spread = 0.9}}
"""
PLUGIN = '''
"""Points in the plane again."""
import numpy as np
from bench import ClassExamples, Dataset, hookimpl


class Others(Dataset):
    """Points."""

    name = "others"

    def classes(self, files):
        rng = np.random.default_rng(0)
        for split in ("train", "val", "test"):
            for number in range(8):
                yield ClassExamples(f"{split}{number}", split, rng.normal(size=(9, 2)).astype("f4"))


@hookimpl
def bench_datasets():
    return [Others]
'''
Printed = Callable[..., dict[str, Any]]


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "points.toml"
    path.write_text(RECIPE)
    return str(path)


@pytest.fixture
def plugin(tmp_path: Path) -> list[str]:
    """The flags that load the dataset `others`."""
    path = tmp_path / "others.py"
    path.write_text(PLUGIN)
    return ["-p", str(path)]


@pytest.fixture
def printed(recipe: str, capsys: pytest.CaptureFixture[str]) -> Printed:
    """Returns what --print-config prints of a run by the recipe."""

    def of(*flags: str) -> dict[str, Any]:
        assert bench("run", "--recipe", recipe, *flags, "--print-config") == 0
        return tomllib.loads(capsys.readouterr().out)

    return of


@pytest.fixture
def made(recipe: str, tmp_path: Path) -> Callable[..., RunRecord]:
    """Makes a run by the recipe and returns its record; a second run needs another `out`."""

    def by(*flags: str, out: str = "out") -> RunRecord:
        there = str(tmp_path / out)
        assert bench("run", "--recipe", recipe, *flags, "--threads", "1", "--out", there) == 0
        (folder,) = find_runs(tmp_path / out)
        assert seal_of(folder) == "whole"
        return read_run(folder)

    return by


def changed(record: RunRecord) -> tuple[str, ...]:
    assert record.recipe is not None
    return record.recipe.changed


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a command which is used wrongly prints."""
    assert bench(*arguments) == 4
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == ""
    return str(line)


def test_a_run_has_the_recipe_s_values_and_names_it(
    made: Callable[..., RunRecord], recipe: str
) -> None:
    record = made()
    assert (record.algorithm.name, record.data.name) == ("protonet", "gaussians")
    training, protocol = record.training, record.protocol
    assert (training.ways, training.shots, training.queries) == (6, 1, 3)
    assert (training.steps, training.schedule, training.validate_every) == (3, "linear", 2)
    assert (protocol.id, protocol.episodes) == ("5w1s4q", 12)
    assert record.algorithm.parameters["lr"] == 0.01
    assert (record.data.parameters["spread"], record.data.parameters["seed"]) == (0.7, 3)
    known = read_recipe(recipe)
    assert record.recipe is not None
    assert (record.recipe.name, record.recipe.sha256) == ("points", known.sha256)
    assert changed(record) == ()


def test_flags_win_over_the_recipe_and_are_recorded(made: Callable[..., RunRecord]) -> None:
    flags = ["--steps", "2", "--train-queries", "3", "--set", "lr=0.02", "--set", "data.seed=3"]
    flags += ["--meta-batch", "2", "--train-on", "train", "--seed", "5"]
    record = made(*flags)
    assert record.training.steps == 2
    assert record.training.meta_batch == 2
    assert record.algorithm.parameters["lr"] == 0.02
    assert set(changed(record)) == {
        "steps=2 (recipe: 3)",
        "set.lr=0.02 (recipe: 0.01)",
        "meta_batch=2",  # which the recipe leaves to the plan; the rest is as it says, or a seed
    }


def test_set_merges_key_by_key(printed: Printed) -> None:
    own = printed()["set"]
    assert (own["lr"], own["data"]["seed"], own["data"]["spread"]) == (0.01, 3, 0.7)
    other = printed("--set", "data.spread=0.5")["set"]
    assert other == {**own, "data": {**own["data"], "spread": 0.5}}


@pytest.mark.parametrize(
    ("flags", "steps", "shots", "spread"),
    [
        ([], 3, 1, 0.7),
        (["--shots", "2"], 5, 2, 0.7),
        (["--ways", "5", "--shots", "2"], 5, 2, 0.7),
        (["--ways", "3"], 3, 1, 0.9),
    ],
)
def test_ways_and_shots_choose_the_size(
    flags: list[str], steps: int, shots: int, spread: float, printed: Printed
) -> None:
    values = printed(*flags)
    assert (values["steps"], values["shots"]) == (steps, shots)
    assert values["set"]["data"]["spread"] == spread


def test_the_size_that_is_chosen_is_no_change(made: Callable[..., RunRecord]) -> None:
    assert changed(made("--ways", "5", "--shots", "2")) == ()


def test_a_size_that_it_is_not_for_is_refused(
    recipe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = error_of(capsys, "run", "--recipe", recipe, "--ways", "7")
    assert "recipe points is for 5w1s, 5w2s, 3w1s, not for 7w1s" in line
    assert "--print-config" in line


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("content", ['algo = "protonet"\ndata = "gaussians"\n', "steps = 3\n"])
def test_a_recipe_and_a_config_file_are_one_too_many(
    order: int, content: str, recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "run.toml"
    config.write_text(content)
    pairs = [["--recipe", recipe], ["--config", str(config)]][::order]
    line = error_of(capsys, "run", *pairs[0], *pairs[1])
    assert line == "bench: --recipe and --config both say how to train; give one of them"


def test_a_recipe_given_as_a_config_file_is_known_as_one(
    recipe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = error_of(capsys, "run", "--config", recipe)
    assert f"looks like a recipe; give it as one: --recipe {recipe}" in told


def test_an_unknown_recipe_gets_the_nearest_and_not_all_of_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = error_of(capsys, "run", "--recipe", "omniglot/protonet-papr")
    assert "did you mean 'omniglot/protonet-paper'?" in line
    assert "bench list recipes" in line
    assert sum(name in line for name in recipe_names()) == 1


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("steps = 5", "stepz = 5", "unknown key 'stepz'; did you mean 'steps'?"),
        ("queries = 4", 'queries = "4"', "queries is '4'; write a whole number"),
    ],
)
def test_a_value_that_is_no_flag_s_is_found_at_whichever_size_it_is(
    old: str, new: str, why: str, recipe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(recipe).write_text(RECIPE.replace(f"\n{old}", f"\n{new}"))
    line = error_of(capsys, "run", "--recipe", recipe)
    assert "recipe points" in line
    assert why in line


def test_another_algorithm_is_refused_and_the_same_is_not(
    recipe: str, printed: Printed, capsys: pytest.CaptureFixture[str]
) -> None:
    line = error_of(capsys, "run", "--recipe", recipe, "--algo", "maml")
    assert "--algo is maml, but recipe points is for protonet" in line
    assert printed("--algo", "protonet") == printed()


def test_other_data_are_a_change_that_is_recorded(
    recipe: str, made: Callable[..., RunRecord], plugin: list[str]
) -> None:
    text = RECIPE.replace("[set.data]\nspread = 0.7\nseed = 3\n", "")
    Path(recipe).write_text(text.replace("set = {data = {spread = 0.9}}\n", ""))
    record = made("--data", "others", *plugin)
    assert record.data.name == "others"
    assert changed(record) == ("data=others (recipe: gaussians)",)


def test_the_printed_config_makes_the_same_run(
    recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--shots", "2", "--seed", "4", "--out", str(tmp_path / "out")]
    assert bench("run", "--recipe", recipe, *flags, "--dry-run") == 0
    folder = capsys.readouterr().out.split()[-1]
    assert bench("run", "--recipe", recipe, *flags, "--print-config") == 0
    config = tmp_path / "run.toml"
    config.write_text(capsys.readouterr().out)
    assert bench("run", "--config", str(config), "--dry-run") == 0
    assert capsys.readouterr().out.split()[-1] == folder


def test_several_seeds_of_a_recipe_are_runs_that_all_name_it(recipe: str, tmp_path: Path) -> None:
    out = tmp_path / "seeds"
    flags = ["--seeds", "0..1", "--threads", "1", "--out", str(out)]
    assert bench("run", "--recipe", recipe, *flags) == 0
    records = [read_run(folder) for folder in find_runs(out)]
    assert sorted(record.training.seed for record in records) == [0, 1]
    assert records[0].recipe == records[1].recipe
    assert changed(records[0]) == ()


def test_a_replay_of_a_run_by_a_recipe_is_the_same_run(
    made: Callable[..., RunRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = made("--steps", "2")
    (folder,) = find_runs(tmp_path / "out")
    again = tmp_path / "again"
    capsys.readouterr()
    assert bench("replay", str(folder), "--out", str(again)) == 0
    words = shlex.split(capsys.readouterr().out)
    assert "--recipe" not in words  # whose values may change; the command names each
    assert bench(*words[1:]) == 0
    (redone,) = find_runs(again)
    assert redone.name == folder.name
    one, other = record.outcome, read_run(redone).outcome
    assert one and other and one.checkpoint_sha256 == other.checkpoint_sha256


def test_a_test_of_its_weights_keeps_the_recipe(
    made: Callable[..., RunRecord], tmp_path: Path
) -> None:
    record = made("--steps", "2")
    (folder,) = find_runs(tmp_path / "out")
    there = tmp_path / "tested"
    assert (
        bench("evaluate", str(folder), "--shots", "3", "--episodes", "8", "--out", str(there)) == 0
    )
    (tested,) = find_runs(there)
    assert read_run(tested).recipe == record.recipe
    assert seal_of(tested) == "whole"


def test_tests_elsewhere_are_a_change_and_keep_the_recipe(
    recipe: str, plugin: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    flags = ["--test-data", "gaussians", "--test-data", "others", "--threads", "1", *plugin]
    assert bench("run", "--recipe", recipe, *flags, "--out", str(out)) == 0
    records = [read_run(folder) for folder in find_runs(out)]
    assert {record.tested.name for record in records} == {"gaussians", "others"}
    assert records[0].recipe == records[1].recipe
    assert changed(records[0]) == ("test_data=others",)


@pytest.mark.parametrize("kind", ["variable", "single"])
def test_episodes_of_another_kind_have_sizes_of_their_own(
    kind: str, made: Callable[..., RunRecord]
) -> None:
    record = made("--protocol", kind, "--episodes", "8", "--set", "data.points=30")
    assert record.protocol.kind == kind
    assert (record.training.shots, record.training.steps) == (1, 3)
    assert set(changed(record)) == {f"protocol={kind}", "episodes=8", "set.data.points=30"}


def test_folds_are_repeated_as_often_as_without_a_recipe(printed: Printed) -> None:
    values = printed("--protocol", "folds")
    assert values["episodes"] == 5 * 20
    assert "queries" not in values


def test_sealed_episodes_choose_the_size_and_say_all_of_the_test(
    recipe: str, made: Callable[..., RunRecord], tmp_path: Path
) -> None:
    file = str(tmp_path / "episodes.bench")
    drawn = ["--shots", "2", "--queries", "3", "--episodes", "7", "--seed", "9"]
    data = ["--data", "gaussians", "--set", "data.spread=0.7", "--set", "data.seed=3"]
    assert bench("episodes", "make", *data, *drawn, "--out", file) == 0
    record = made("--episodes-file", file)
    assert (record.protocol.id, record.protocol.episodes) == ("5w2s3q", 7)
    assert (record.training.shots, record.training.steps) == (2, 5), "as at the size of the file"
    assert changed(record) == (f"episodes_file={file}",)

"""`bench leaderboard` of a folder with a suite: what that asks for comes first."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cli import run_command_line
from bench.measurements import RecipeRecord
from bench.parameters import Value
from bench.recipe import read_recipe
from bench.results import RUN_FILE
from tests.bench.written_runs import Records, with_parts, write_run

SUITE = """
about = "One row."
data = "omniglot"
[[training]]
recipe = "{recipe}"
modes = [{{ published = "ProtoNet" }}]
why = "There was no time for twenty ways."
[training.sizes]
5w1s = ["5w1s", "20w1s"]
"""
RECIPE = """
about = "For tests."
budget = "paper"
algo = "protonet"
data = "omniglot"
steps = 100
queries = 15
episodes = 1000
[sizes.5w1s]
"""


def bench(*arguments: str) -> int:
    return run_command_line(["leaderboard", *arguments])


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """A folder of results with a suite, and no run yet."""
    recipe = tmp_path / "protonet-paper.toml"
    recipe.write_text(RECIPE)
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "suite.toml").write_text(SUITE.format(recipe=recipe.as_posix()))
    return folder


@pytest.fixture
def results(asked: Path, make_record: Records) -> str:
    """The same with the run that trains: 98.0 where the paper has 98.8."""
    recipe = read_recipe(str(asked.parent / "protonet-paper.toml"))
    config: dict[str, Value | dict[str, Value] | None] = {"algo": "protonet", "data": "omniglot"}
    config |= {"ways": 5, "shots": 1, "steps": 100, "queries": 15, "episodes": 1000, "set": {}}
    record = with_parts(
        replace(make_record(data="omniglot"), config=config),
        protocol={"episodes": 1000},
        training={"seed": 0},
    )
    record = replace(record, recipe=RecipeRecord(recipe.name, recipe.sha256))
    write_run(asked / "a", record, 0.98 + np.array([-0.001, 0.001]))
    return str(asked)


def test_the_reproduction_table_comes_before_the_others(
    results: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(results) == 0
    text = capsys.readouterr().out
    assert text.index("published numbers beside ours") < text.index("omniglot, 5w1s15q")
    assert "98.8 (inductive)" in text and "-0.80" in text and "| pass " in text
    assert "Not run at 20w1s: protonet-paper trained at 5w1s (missing)." in text
    assert "protonet-paper: There was no time for twenty ways." in text
    assert "reproduced with the papers' recipes: 1 of 2; not run 1." in text


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_it_can_be_had_alone(form: str, results: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(results, "--only-reproduction", "--format", form) == 0
    text = capsys.readouterr().out
    assert "published numbers beside ours" in text and "5w1s15q," not in text


@pytest.mark.parametrize("form", ["csv", "json"])
def test_plain_formats_have_it_only_alone(
    form: str, results: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(results, "--format", form) == 0
    assert "tolerance" not in capsys.readouterr().out
    assert bench(results, "--format", form, "--only-reproduction") == 0
    assert "tolerance" in capsys.readouterr().out


def test_the_numbers_are_those_of_the_run(results: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(results, "--format", "json", "--only-reproduction") == 0
    done, missing = json.loads(capsys.readouterr().out)
    assert (done["mean"], done["difference"]) == pytest.approx((0.98, -0.8))
    assert (done["verdict"], missing["state"]) == ("pass", "missing")


def test_before_the_first_run_everything_is_missing(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(str(asked)) == 0
    assert "0 of 2; not run 2." in capsys.readouterr().out


@pytest.mark.parametrize("flags", [(), ("--only-reproduction",), ("--format", "csv")])
def test_a_damaged_record_is_told_once_and_hides_no_other(
    flags: tuple[str, ...], results: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(results) / "b").mkdir()
    (Path(results) / "b" / RUN_FILE).write_text("{")
    assert bench(results, *flags) == 0
    told = capsys.readouterr()
    assert "98.0" in told.out or "0.98" in told.out
    assert told.err.startswith("bench: not shown: ") and told.err.count("\n") == 1


@pytest.mark.parametrize("flag", ["--published", "--wide"])
def test_it_does_not_go_with_flags_of_other_tables(
    flag: str, results: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(results, "--only-reproduction", flag) == 4
    told = capsys.readouterr().err
    assert "--only-reproduction" in told and flag in told


def test_without_a_suite_there_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(str(tmp_path), "--only-reproduction") == 4
    assert "suite.toml" in capsys.readouterr().err

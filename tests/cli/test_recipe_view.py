"""`bench list recipes` and `bench info RECIPE`: what a user sees of recipes."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.recipe_view import recipe_in_full, recipe_list
from bench.recipe import Recipe, read_recipe, recipe_names
from tests.cli.verifying import bench

SIZES = ("5w1s", "5w5s", "20w1s", "20w5s")


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def recipe() -> Recipe:
    steps = dict(zip(SIZES, (60, 60, 40, 40), strict=True))
    shots = dict(zip(SIZES, (1, 5, 1, 5), strict=True))
    queries = dict(zip(SIZES, (9, 9, 9, 3), strict=True))
    return Recipe(
        name="some/method-paper",
        sha256="0" * 64,
        about="A method as its authors trained it.",
        budget="paper",
        values={"algo": "method", "data": "letters", "set": {"lr": 0.001, "data": {"flip": True}}},
        sizes={
            size: {"steps": steps[size], "train_shots": shots[size], "train_queries": queries[size]}
            for size in SIZES
        },
        sources={
            "set.lr": "section 3",
            "steps": "section 4",
            "20w1s.steps": "a footnote",
            "Rotation": "section 5",
        },
        departures={"train_shots": "They have ten.", "Order": "Theirs is another."},
    )


def test_the_list_has_a_line_for_each_recipe_and_below_it_what_it_is(recipe: Recipe) -> None:
    assert recipe_list([recipe]).splitlines() == [
        "name               budget  sizes",
        "some/method-paper  paper   5w1s 5w5s 20w1s 20w5s",
        "  A method as its authors trained it. Steps: 60 (5-way), 40 (20-way).",
    ]


def test_every_shipped_recipe_is_listed_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("list", "recipes") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    listed = [line.split() for line in lines[1:] if not line.startswith(" ")]
    assert [words[0] for words in listed] == list(recipe_names())
    for name, budget, *sizes in listed:
        known = read_recipe(name)
        assert (budget, sizes) == (known.budget, list(known.sizes))


def test_the_list_of_everything_only_says_that_there_are_recipes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench("list") == 0
    printed = capsys.readouterr().out
    last = printed.splitlines()[-1]
    assert last == f"{len(recipe_names())} recipes say how to train; see bench list recipes"
    assert not any(name in printed for name in recipe_names())
    assert bench("list", "datasets") == 0
    assert "recipes" not in capsys.readouterr().out


def test_a_recipe_in_full_has_each_value_with_its_source_beside_it(recipe: Recipe) -> None:
    lines = [" ".join(line.split()) for line in recipe_in_full(recipe, recipe.name).splitlines()]
    for line in (
        "some/method-paper (recipe, paper)",
        "A method as its authors trained it.",
        "sizes: 5w1s, 5w5s, 20w1s, 20w5s; --ways and --shots choose",
        "algo method -",
        "set.lr 0.001 section 3",
        "set.data.flip true -",
        "train_shots 1 (1-shot), 5 (5-shot) departs, see below",
        "further sources:",
        "- Rotation: section 5",
        "departures:",
        "- train_shots: They have ten.",
        "- Order: Theirs is another.",
        "run it: bench run --recipe some/method-paper",
        "run it: bench run --recipe some/method-paper --ways 20 --shots 5",
    ):
        assert line in lines
    text = " ".join(lines)
    assert "steps 60 (5-way), 40 (20-way) section 4; 20w1s: a footnote" in text
    assert "train_queries 9 (5w1s, 5w5s, 20w1s), 3 (20w5s)" in text


def test_a_file_of_ones_own_is_shown_as_well_and_its_command_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        'about = "Mine."\nbudget = "cpu"\nalgo = "protonet"\ndata = "glyphs"\n[sizes.5w1s]\n'
    )
    assert bench("info", str(path)) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("own (recipe, cpu)\nMine.\n")
    assert printed.splitlines()[-1] == f"run it: bench run --recipe {path}"


def test_the_printed_command_can_be_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("info", "smoke/protonet") == 0
    (last,) = capsys.readouterr().out.splitlines()[-1:]
    words = shlex.split(last.removeprefix("run it: bench "))
    assert bench(*words, "--out", str(tmp_path), "--dry-run") == 0


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_can_be_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("info", name) == 0
    lines = [
        line
        for line in capsys.readouterr().out.splitlines()
        if not line.startswith(("file: ", "run it: "))
    ]
    assert max(map(len, lines)) <= 80
    known = read_recipe(name)
    shown = " ".join(" ".join(lines).split())
    assert all(f"- {key}: " in shown for key in known.departures)


def test_an_unknown_name_may_have_meant_a_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("info", "omniglot/protonet-papr") == 4
    assert "did you mean 'omniglot/protonet-paper'?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["list", "recipes"], ["info", "smoke/protonet"]])
def test_recipes_are_shown_without_torch(arguments: list[str]) -> None:
    code = (
        "import sys; from bench.cli import run_command_line; "
        f"code = run_command_line({arguments!r}); sys.exit(code or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0

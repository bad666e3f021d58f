"""Rendering: the table as a reader sees it, with nothing that was asked for left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench.leaderboard.markup import Reading
from bench.measurements import MachineRecord, RecipeRecord
from bench.reproduction import Reproduction, render_reproduction
from bench.suite import Suite, Test, TestMode, Training
from tests.bench.reproduction.suites import MODES, Answer, answered, record_of, write_recipe
from tests.bench.written_runs import Records

CARDS = {True: "b", False: "a"}


@pytest.fixture
def table(tmp_path: Path, make_record: Records) -> Reproduction:
    """MAML at 5w1s, 12,000 of 60,000 steps: as published 96.0, alone 60.0; its 20w5s failed."""
    recipe = write_recipe(tmp_path, "maml-paper")
    sizes: dict[str, tuple[str, ...]] = {"5w1s": ("5w1s",), "20w5s": ("20w5s",)}
    training = Training(recipe, sizes, (0, 1), 12000, MODES, True, why="A fifth of the steps.")

    def answer(test: Test) -> Answer:
        if test.trained == "20w5s":
            return "missing" if test.evaluated else "failed"
        alone = bool(test.mode.set)
        mean = (0.60 if alone else 0.96) + (0.001, -0.001)[test.seed]
        verdict = "inductive" if alone else "transductive"
        record = record_of(make_record, test, mean, verdict, steps_done=12000)
        card = MachineRecord(CARDS[test.evaluated], "a cpu", 2, 1, "cpu", "2.13", "mkl", "", 90.0)
        changed = ("meta_batch=8 (recipe: 32)",)
        made = RecipeRecord("maml-paper", "r" * 64, changed)
        return replace(record, machine=card, recipe=made)

    return answered(tmp_path, Suite("Fewer steps.", "omniglot", (training,)), answer)


def cells(text: str, first: str) -> list[dict[str, str]]:
    """Returns the lines of the markdown tables whose first cell begins so, by column."""
    found, names = [], [""]
    for line in text.splitlines():
        texts = [part.strip() for part in line.strip("|").split("|")]
        if line.startswith("| method"):
            names = texts
        elif line.startswith(f"| {first}"):
            found.append(dict(zip(names, texts, strict=True)))
    return found


def test_a_line_has_both_numbers_and_what_to_think_of_them(table: Reproduction) -> None:
    own, common, alone, _ = cells(render_reproduction(table, "markdown"), "MAML")
    assert own == {
        "method": "MAML, as published",
        "recipe": "paper; meta_batch=8 (recipe: 32)",
        "test": "1 query x 600, as in the paper",
        # s = 0.1414 points; t(0.975, 1) = 12.706; over four episodes 3.182 * 0.8165 / 2
        "accuracy %": "96.00 ± 1.27 over seeds (each ± 1.30 over episodes)",
        "seeds": "2 seeds",
        "measured": "transductive",
        "published": "98.7 ± 0.4 (transductive)",
        "difference": "-2.70",
        "tolerance": "1.00",
        "verdict": "miss, short",
        "steps": "12,000 of the paper's 60,000 (20%)",
        "trained on": "train",
        "training core-s": "90 [1]",
        "parameters": "111,936",
        "run": "run-0 and 1 more",
    }
    assert (common["test"], common["run"]) == ("15 queries x 1000", "run-1 and 1 more")
    assert common["training core-s"] == "90 [1]"  # of the machine that trained, not that tested
    assert (alone["method"], alone["published"], alone["verdict"]) == (
        "MAML, each query alone",
        "-",
        "-",
    )


def test_nothing_that_was_asked_for_is_dropped(table: Reproduction) -> None:
    text = render_reproduction(table, "markdown")
    first, _, second = text.partition("#### 20-way 5-shot")
    assert "#### 5-way 1-shot" in first and "Not run" not in first
    assert "maml-paper, as published, own test (failed: loss is not finite)" in second
    assert "maml-paper, each query alone, common test (missing)" in second
    assert "Published numbers reproduced here: 0 of 1; not run 1." in second
    assert "recipes: 0 of 2; missed 1 (1 of them trained shorter" in second


def test_why_stands_below_each_section_that_needs_it_once(table: Reproduction) -> None:
    text = render_reproduction(table, "markdown")
    assert text.count("maml-paper: A fifth of the steps.") == len(table.parts) == 2


def test_what_is_as_published_needs_no_why(tmp_path: Path, make_record: Records) -> None:
    recipe = write_recipe(tmp_path, "maml-paper")
    training = Training(recipe, {"5w1s": ("5w1s",)}, modes=MODES[:1], why="Never mind.")
    suite = Suite("", "omniglot", (training,))
    made = answered(tmp_path, suite, lambda t: record_of(make_record, t, 0.987, "transductive"))
    text = render_reproduction(made, "markdown")
    assert "pass" in text and "Never mind" not in text
    assert "short" not in cells(text, "MAML")[0]["verdict"]
    assert cells(text, "MAML")[0]["steps"] == "60,000"


def test_machines_and_sources_are_named(table: Reproduction) -> None:
    text = render_reproduction(table, "markdown")
    assert "Trained: 2 trainings on [1]." in text
    assert "[1] a cpu, cores 2, threads 1, cpu, torch 2.13 (card a); [2] a cpu" in text
    assert "- MAML: Finn et al. 2017, arXiv:1703.03400, Table 1 (read in the paper)" in text


def test_another_mode_is_shown_and_not_judged(tmp_path: Path, make_record: Records) -> None:
    recipe = write_recipe(tmp_path, "maml-paper")
    modes = (TestMode("", {}, "MAML"), TestMode("again", {"x": 1}, "ANIL"))
    training = Training(recipe, {"20w5s": ("20w5s",)}, modes=modes)
    suite = Suite("", "omniglot", (training,))
    made = answered(tmp_path, suite, lambda t: record_of(make_record, t, 0.97, "inductive"))
    first, second, *_ = (
        one
        for one in cells(render_reproduction(made, "markdown"), "")
        if one["test"] == "15 queries x 1000"
    )
    assert (first["difference"], first["verdict"]) == ("(-1.90, another mode)", "-")
    assert (second["published"], second["verdict"]) == ("98.0 ± 0.3 (setting unclear)", "pass")


@pytest.mark.parametrize(
    ("form", "parts"),
    [
        ("latex", ("\\begin{tabular}", "98.7 $\\pm$ 0.4", "core-s")),
        ("html", ("<table>", "98.7 ± 0.4", "<li>MAML")),
    ],
)
def test_other_formats_have_the_same(
    form: Reading, parts: Sequence[str], table: Reproduction
) -> None:
    text = render_reproduction(table, form)
    assert all(part in text for part in parts)


def test_a_suite_of_which_nothing_was_run_is_told_all_the_same(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, "maml-paper")
    training = Training(recipe, {"5w1s": ("5w1s",)}, modes=MODES)
    made = answered(tmp_path, Suite("", "omniglot", (training,)), lambda _: "missing")
    text = render_reproduction(made, "markdown")
    assert "Not run at 5w1s: maml-paper (missing)." in text
    assert "0 of 1; not run 1" in text and "|" not in text

"""Summary: each published number once, by the paper's own test where it was run."""

from __future__ import annotations

from pathlib import Path

from bench.reproduction import Reproduction
from bench.reproduction.summary import summary
from bench.suite import Suite, Test, TestMode, Training
from tests.bench.reproduction.suites import MODES, Answer, answered, record_of, write_recipe
from tests.bench.written_runs import Records

PAPER = {("5w1s", True): 0.987, ("5w1s", False): 0.90, ("20w5s", False): 0.90}
"""MAML has 98.7 at 5w1s and 98.9 at 20w5s: reproduced by its own test, missed by the common one."""


def told(table: Reproduction) -> tuple[str, ...]:
    return summary(table.suite, table.parts)


def test_the_papers_own_test_counts_where_it_was_run(tmp_path: Path, make_record: Records) -> None:
    recipe = write_recipe(tmp_path, "maml-paper")
    sizes: dict[str, tuple[str, ...]] = {"5w1s": ("5w1s", "20w5s")}
    training = Training(recipe, sizes, (0,), None, MODES[:1], own_test=True)
    suite = Suite("", "omniglot", (training,))

    def answer(test: Test) -> Answer:
        mean = PAPER.get((test.size, test.own))
        return "missing" if mean is None else record_of(make_record, test, mean, "transductive")

    assert told(answered(tmp_path, suite, answer)) == (
        "Published numbers reproduced with the papers' recipes: 1 of 2; missed 1.",
    )


def test_counts_add_up_and_budgets_are_told_apart(tmp_path: Path, make_record: Records) -> None:
    modes = {
        "miss": TestMode("miss", {"a": 1}, "MAML"),
        "short": TestMode("short", {"a": 2}, "MAML"),
        "above": TestMode("above", {"a": 3}, "Reptile"),  # 95.39, inductive
        "other": TestMode("other", {"a": 4}, "Reptile"),
        "absent": TestMode("absent", {"a": 5}, "MAML"),
        "free": TestMode("free", {"a": 6}),
    }
    recipes = write_recipe(tmp_path, "x-paper"), write_recipe(tmp_path, "x-cpu", budget="cpu")
    sizes: dict[str, tuple[str, ...]] = {"5w1s": ("5w1s",)}
    trainings = (
        Training(recipes[0], sizes, modes=tuple(modes.values())),
        Training(recipes[1], sizes, modes=(modes["above"],)),
    )

    def answer(test: Test) -> Answer:
        if test.mode.name == "absent":
            return "missing"
        verdict = "inductive" if test.mode.name == "above" else "transductive"
        steps = 12000 if test.mode.name == "short" else 60000
        return record_of(make_record, test, 0.97, verdict, steps_done=steps)

    assert told(answered(tmp_path, Suite("", "omniglot", trainings), answer)) == (
        "Published numbers reproduced with the papers' recipes: 0 of 5; above 1; missed 2 (1 of "
        "them trained shorter than the recipe says); not compared, another mode: 1; not run 1.",
        "Published numbers reproduced with cpu recipes, which are not the papers': 0 of 1; "
        "above 1.",
    )


def test_without_published_numbers_there_is_nothing_to_count(
    tmp_path: Path, make_record: Records
) -> None:
    recipe = write_recipe(tmp_path, "maml-paper")
    suite = Suite("", "omniglot", (Training(recipe, {"5w1s": ("5w1s",)}),))
    assert told(answered(tmp_path, suite, lambda t: record_of(make_record, t, 0.9))) == ()

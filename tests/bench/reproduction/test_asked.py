"""Asked: seeds are one line, sizes are sections, and lines keep the order of the suite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.leaderboard.timings import machine
from bench.measurements import MachineRecord, RecipeRecord
from bench.reproduction import Line
from bench.suite import Suite, Test, TestMode, Training
from tests.bench.reproduction.suites import MODES, Answer, answered, record_of, write_recipe
from tests.bench.written_runs import Records, with_parts


def maml(folder: Path, seeds: tuple[int, ...] = (0, 1)) -> Suite:
    recipe = write_recipe(folder, "maml-paper")
    training = Training(recipe, {"5w1s": ("5w1s",)}, seeds, None, MODES, True)
    return Suite("MAML in two modes.", "omniglot", (training,))


def only(lines: tuple[Line, ...], *, own: bool, mode: str = "as published") -> Line:
    (found,) = [one for one in lines if (one.test.own, one.test.mode.name) == (own, mode)]
    return found


def test_seeds_are_one_line_for_each_mode_and_test(tmp_path: Path, make_record: Records) -> None:
    means = {("as published", True): (0.985, 0.987), ("as published", False): (0.96, 0.98)}

    def answer(test: Test) -> Answer:
        mean = means.get((test.mode.name, test.own), (0.90, 0.92))[test.seed]
        return record_of(make_record, test, mean, "inductive" if test.mode.set else "transductive")

    lines = answered(tmp_path, maml(tmp_path), answer).lines
    assert [(line.label, line.test.own, line.row.seeds) for line in lines] == [
        ("MAML, as published", True, (0, 1)),
        ("MAML, as published", False, (0, 1)),
        ("MAML, each query alone", True, (0, 1)),
        ("MAML, each query alone", False, (0, 1)),
    ]
    own, common, *alone = [line.verdict for line in lines]
    # the paper has 98.7; seeds 0.2 points apart: s = 0.1414, and twice that is less than a point
    assert (own.difference, own.tolerance) == pytest.approx((-0.1, 1.0))
    # 2 points apart: s = 1.4142
    assert (common.difference, common.tolerance) == pytest.approx((-1.7, 2.828427))
    assert own.word == common.word == "pass"
    assert [one.difference for one in alone] == [None, None]


def test_a_run_that_only_trains_has_no_line_but_its_weights_are_known(
    tmp_path: Path, make_record: Records
) -> None:
    suite = maml(tmp_path)
    training = replace(suite.training[0], own_test=False)
    table = answered(
        tmp_path,
        replace(suite, training=(training,)),
        lambda test: record_of(make_record, test, 0.98, "transductive"),
    )
    assert [(one.test.own, one.test.mode.name) for one in table.lines] == [
        (False, "as published"),
        (False, "each query alone"),
    ]
    assert len(table.trainings) == 2


def test_a_line_knows_the_runs_that_trained_its_weights(
    tmp_path: Path, make_record: Records
) -> None:
    """The machine of a test is not that of the training; both are at hand."""

    def answer(test: Test) -> Answer:
        card = "tests" if test.evaluated else f"trains{test.seed}"
        where = MachineRecord(card, "a cpu", 2, 1, "cpu", "2.13", "mkl", "", 90.0)
        return replace(record_of(make_record, test, 0.98), machine=where)

    table = answered(tmp_path, maml(tmp_path), answer)
    for line in table.lines:
        assert ["card trains" in machine(entry) for entry in line.trained.entries] == [True, True]
    common = only(table.lines, own=False)
    assert ["card tests" in machine(entry) for entry in common.row.entries] == [True, True]
    assert len(table.trainings) == 2


def test_seeds_that_have_no_result_are_not_in_the_line(
    tmp_path: Path, make_record: Records
) -> None:
    def answer(test: Test) -> Answer:
        return record_of(make_record, test, 0.98) if test.seed == 1 else "outdated"

    (part,) = answered(tmp_path, maml(tmp_path), answer).parts
    assert [line.row.seeds for line in part.lines] == [(1,)] * 4
    assert [len(seeds) for seeds in part.asked.values()] == [2] * 4


def test_sizes_are_in_order_and_lines_of_an_algorithm_stand_together(
    tmp_path: Path, make_record: Records
) -> None:
    maml_paper = write_recipe(tmp_path, "maml-paper")
    protonet = write_recipe(tmp_path, "protonet-paper", "protonet")
    quick = write_recipe(tmp_path, "maml-cpu", "maml", "cpu")
    sizes: dict[str, tuple[str, ...]] = {"20w5s": ("20w5s",), "5w1s": ("5w1s", "5w5s", "20w1s")}
    trainings = tuple(Training(one, sizes) for one in (maml_paper, protonet, quick))
    suite = Suite("Three.", "omniglot", trainings)
    table = answered(tmp_path, suite, lambda test: record_of(make_record, test, 0.9))
    assert [part.size for part in table.parts] == ["5w1s", "5w5s", "20w1s", "20w5s"]
    common = [one for one in table.parts[0].lines if not one.test.own]
    assert [line.recipe.name for line in common] == ["maml-paper", "maml-cpu", "protonet-paper"]
    assert [line.method for line in common] == ["maml", "maml", "protonet"]
    assert [line.recipe_label for line in common] == ["paper", "cpu", "paper"]


def test_two_algorithms_of_one_published_method_have_both_names(
    tmp_path: Path, make_record: Records
) -> None:
    modes = (TestMode("", {}, "MAML"),)
    recipes = write_recipe(tmp_path, "a"), write_recipe(tmp_path, "b", "l2l-maml")
    trainings = tuple(Training(one, {"5w1s": ("5w1s",)}, modes=modes) for one in recipes)
    suite = Suite("Two.", "omniglot", trainings)
    table = answered(tmp_path, suite, lambda test: record_of(make_record, test, 0.9))
    assert {line.label for line in table.lines} == {"MAML (maml)", "MAML (l2l-maml)"}


def test_several_recipes_of_one_budget_have_their_names(
    tmp_path: Path, make_record: Records
) -> None:
    recipes = [write_recipe(tmp_path, name) for name in ("maml-paper", "maml-honest")]
    trainings = tuple(Training(one, {"5w1s": ("5w1s",)}) for one in recipes)
    suite = Suite("Two.", "omniglot", trainings)
    table = answered(tmp_path, suite, lambda test: record_of(make_record, test, 0.9))
    assert {line.recipe_label for line in table.lines} == {"maml-paper", "maml-honest"}


def test_a_training_is_short_if_any_seed_did_fewer_steps(
    tmp_path: Path, make_record: Records
) -> None:
    def answer(test: Test) -> Answer:
        done = 60000 if test.seed == 0 or test.own else 12000
        return record_of(make_record, test, 0.98, steps_done=done)

    lines = answered(tmp_path, maml(tmp_path), answer).lines
    whole, cut = only(lines, own=True), only(lines, own=False)
    assert (whole.steps, whole.asked, whole.short) == ((60000,), 60000, False)
    assert (cut.steps, cut.short) == ((12000, 60000), True)


def test_what_was_changed_of_a_recipe_is_told_but_not_what_has_a_column(
    tmp_path: Path, make_record: Records
) -> None:
    changed = ("steps=12000 (recipe: 60000)", "meta_batch=8 (recipe: 32)", "queries=2 (recipe: 1)")

    def answer(test: Test) -> Answer:
        record = record_of(make_record, test, 0.98)
        return replace(record, recipe=RecipeRecord("maml-paper", "r" * 64, changed))

    for line in answered(tmp_path, maml(tmp_path), answer).lines:
        assert line.changed == ("meta_batch=8 (recipe: 32)",)


def test_seeds_that_differ_in_more_than_the_seed_are_found_out(
    tmp_path: Path, make_record: Records
) -> None:
    def answer(test: Test) -> Answer:
        record = record_of(make_record, test, 0.98)
        other = test.seed == 1 and test.own
        return with_parts(record, algorithm={"source_sha256": "s" * 64}) if other else record

    lines = answered(tmp_path, maml(tmp_path), answer).lines
    assert only(lines, own=True).mixed == ("algorithm",)
    assert only(lines, own=False).mixed == ()

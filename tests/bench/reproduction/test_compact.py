"""Compact: a line for each method, a column for each size, and a sign for each verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.reproduction import Reproduction, compact, render_reproduction
from bench.suite import Suite, Test, TestMode, Training
from tests.bench.reproduction.suites import MODES, Answer, answered, record_of, write_recipe
from tests.bench.written_runs import Records


def rows(table: Reproduction) -> list[list[str]]:
    lines = [line for line in compact(table).splitlines() if line.startswith("|")]
    return [
        [text.strip() for text in line.strip("|").split("|")] for line in lines if "--" not in line
    ]


def test_signs_say_what_was_reproduced(tmp_path: Path, make_record: Records) -> None:
    maml = Training(
        write_recipe(tmp_path, "maml-paper"),
        {"5w1s": ("5w1s", "20w1s"), "20w5s": ("20w5s",)},
        modes=MODES,
        own_test=True,
    )
    anil = Training(
        write_recipe(tmp_path, "anil-cpu", "anil", "cpu", steps=30000),
        {"20w5s": ("20w5s",)},
        modes=(TestMode("", {}, "ANIL"),),
    )
    # ± of the four episodes that each run here has: 3.182 * 0.8165 / 2 points
    # published: 98.7 and 95.8, transductive; ANIL 98.0, unclear
    means = {"5w1s": 0.980, "20w1s": 0.90, "20w5s": 0.9950}

    def answer(test: Test) -> Answer:
        if test.training is maml and test.trained == "20w5s":
            return "failed" if not test.evaluated else "missing"
        alone = bool(test.mode.set)
        steps = 12000 if test.training is maml else 30000
        return record_of(
            make_record,
            test,
            0.60 if alone else means[test.size],
            "inductive" if alone else "transductive",
            steps_done=steps,
            core_seconds=720.0 if test.training is maml else 90.0,
        )

    table = answered(tmp_path, Suite("", "omniglot", (maml, anil)), answer)
    assert rows(table) == [
        [
            *("method", "mode", "recipe", "setting"),
            *("5-way 1-shot", "20-way 1-shot", "20-way 5-shot", "steps", "core-minutes"),
        ],
        [
            *("MAML", "as published", "paper", "transductive"),
            *("98.00 ± 1.30 (98.7 ✓)", "90.00 ± 1.30 (95.8 ✗)", "not run", "12,000 (20%)", "12"),
        ],
        [
            *("MAML", "each query alone", "paper", "inductive"),
            *("60.00 ± 1.30", "60.00 ± 1.30", "not run", "12,000 (20%)", "12"),
        ],
        [
            *("ANIL", "-", "cpu", "transductive"),
            *("", "", "99.50 ± 1.30 (98.0? ↑)", "30,000", "1.5"),
        ],
    ]
    assert "?: the paper's setting is unclear" in compact(table)


def test_weights_trained_for_a_size_come_before_others(
    tmp_path: Path, make_record: Records
) -> None:
    recipe = write_recipe(tmp_path, "maml-paper")
    sizes: dict[str, tuple[str, ...]] = {"20w5s": ("5w1s", "5w5s"), "5w1s": ("5w1s", "5w5s")}
    suite = Suite("", "omniglot", (Training(recipe, sizes),))

    def answer(test: Test) -> Answer:
        return record_of(make_record, test, 0.70 if test.trained == "5w1s" else 0.60)

    heading, line = rows(answered(tmp_path, suite, answer))
    shown = dict(zip(heading, line, strict=True))
    assert shown["5-way 1-shot"] == "70.00 ± 1.30"  # trained so
    assert shown["5-way 5-shot"] == "60.00 ± 1.30"  # trained with five shots


def test_a_suite_without_tests_has_no_table(tmp_path: Path) -> None:
    assert compact(answered(tmp_path, Suite("", "omniglot", ()), lambda _: "missing")) == ""


def test_what_was_not_run_at_any_size_is_named_below_and_untrained_rows_have_no_minutes(
    tmp_path: Path, make_record: Records
) -> None:
    sizes: dict[str, tuple[str, ...]] = {"5w1s": ("5w1s",)}
    floor = Training(write_recipe(tmp_path, "floor-cpu", "anil", "cpu"), sizes)
    later = Training(write_recipe(tmp_path, "later-cpu", "maml", "cpu"), sizes)

    def answer(test: Test) -> Answer:
        if test.training is later:
            return "missing"
        return record_of(make_record, test, 0.2, "inductive", steps_done=0, core_seconds=0.0)

    table = answered(tmp_path, Suite("", "omniglot", (floor, later)), answer)
    assert len(rows(table)) == 2  # the heading and the floor
    assert "core-minutes" not in compact(table)
    assert compact(table).endswith("\n\nNot run yet: maml (cpu).")


def test_where_a_row_was_trained_on_the_validation_classes_too_all_say_on_what(
    tmp_path: Path, make_record: Records
) -> None:
    both = Training(write_recipe(tmp_path, "both-paper"), {"5w1s": ("5w1s",)})
    train = Training(write_recipe(tmp_path, "train-cpu", "anil", "cpu"), {"5w1s": ("5w1s",)})

    def answer(test: Test) -> Answer:
        record = record_of(make_record, test, 0.9, "inductive", steps_done=10, core_seconds=60.0)
        on = "train+val" if test.training is both else "train"
        return replace(record, training=replace(record.training, on=on))

    heading, *lines = rows(answered(tmp_path, Suite("", "omniglot", (both, train)), answer))
    place = heading.index("trained on")
    assert [line[place] for line in lines] == ["train+val", "train"]


def test_where_no_published_number_is_shown_no_footnote_tells_of_brackets(
    tmp_path: Path, make_record: Records
) -> None:
    recipe = write_recipe(tmp_path, "maml-paper")
    for mode, told in ((TestMode(), False), (MODES[0], True)):
        suite = Suite("", "omniglot", (Training(recipe, {"5w1s": ("5w1s",)}, modes=(mode,)),))
        table = answered(
            tmp_path / str(told), suite, lambda t: record_of(make_record, t, 0.9, "transductive")
        )
        assert ("In brackets" in compact(table)) is told
        assert "±: over episodes" in compact(table)
        heading = render_reproduction(table, "markdown").splitlines()[0]
        assert ("published numbers beside ours" in heading) is told


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.6, "<0.1"), (2.9, "<0.1"), (3.0, "0.1"), (90.0, "1.5"), (720.0, "12")]
)
def test_a_training_of_seconds_is_not_shown_as_none(
    seconds: float, text: str, tmp_path: Path, make_record: Records
) -> None:
    training = Training(write_recipe(tmp_path, "maml-paper"), {"5w1s": ("5w1s",)})

    def answer(test: Test) -> Answer:
        return record_of(make_record, test, 0.9, steps_done=10, core_seconds=seconds)

    heading, line = rows(answered(tmp_path, Suite("", "omniglot", (training,)), answer))
    assert line[heading.index("core-minutes")] == text


def test_a_method_is_called_alike_whichever_of_its_recipes_names_the_published_one(
    tmp_path: Path, make_record: Records
) -> None:
    sizes: dict[str, tuple[str, ...]] = {"5w1s": ("5w1s",)}
    recipes = [write_recipe(tmp_path, name, "maml", "cpu") for name in ("maml-honest", "maml-cpu")]
    trainings = (
        Training(recipes[0], sizes, modes=(TestMode("each query alone"),)),
        Training(recipes[1], sizes, modes=MODES[:1]),
        Training(write_recipe(tmp_path, "floor", "anil"), sizes),
    )

    def answer(test: Test) -> Answer:
        floor = test.training is trainings[2]
        return record_of(make_record, test, 0.2) if floor else "missing"

    table = answered(tmp_path, Suite("", "omniglot", trainings), answer)
    assert compact(table).endswith("\n\nNot run yet: MAML (maml-honest), MAML (maml-cpu).")


def test_trainings_by_one_recipe_share_a_line_where_their_sizes_are_others(
    tmp_path: Path, make_record: Records
) -> None:
    recipe = write_recipe(tmp_path, "maml-paper")
    small = Training(recipe, {"5w1s": ("5w1s",)}, modes=MODES)
    large = Training(recipe, {"20w5s": ("20w5s",)}, modes=MODES[:1])

    def mean(test: Test) -> float:
        return {"5w1s": 0.98, "20w5s": 0.90}[test.size] - 0.1 * test.seed

    def figures(*trainings: Training) -> list[list[str]]:
        suite, folder = Suite("", "omniglot", trainings), tmp_path / str(len([*tmp_path.iterdir()]))
        table = answered(folder, suite, lambda test: record_of(make_record, test, mean(test)))
        return [[row[1], *(cell[:5] for cell in row[4:6])] for row in rows(table)[1:]]

    first, second = (mode.name for mode in MODES)
    assert figures(small, large) == [[first, "98.00", "90.00"], [second, "98.00", ""]]
    again = replace(large, seeds=(1,))
    assert figures(small, large, again) == [
        [first, "98.00", "90.00"],
        [second, "98.00", ""],
        [first, "", "80.00"],
    ]
    shorter = replace(large, steps=7)
    assert [row[0] for row in figures(small, shorter)] == [first, second, first]

"""Marks: what a line of the reproduction table becomes in a figure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.figures.marks import Mark, panel_of, size_text
from bench.results import RunRecord
from bench.suite import Suite, Test, Training
from tests.bench.reproduction.suites import MODES, answered, record_of, write_recipe
from tests.bench.written_runs import Records, with_parts


def marks_of(
    folder: Path, make_record: Records, trainings: list[Training], change: object = None
) -> dict[str, Mark]:
    """Runs a suite by hand: as published transductive at 98%, each query alone at 96%."""

    def answer(test: Test) -> RunRecord:
        alone = test.mode is MODES[1]
        verdict = "inductive" if alone else "transductive"
        record = record_of(make_record, test, 0.96 if alone else 0.98, verdict)
        return change(test, record) if callable(change) else record

    suite = Suite("about", "omniglot", tuple(trainings))
    (part,) = (p for p in answered(folder, suite, answer).parts if p.size == "5w1s")
    panel = panel_of("5w1s", part.lines)
    assert panel is not None
    assert panel.title == "5-way 1-shot"
    return {f"{mark.name} {mark.verdict}": mark for mark in panel.marks}


def test_a_row_has_its_core_minutes_its_interval_and_the_number_of_its_setting(
    tmp_path: Path, make_record: Records
) -> None:
    training = Training(write_recipe(tmp_path, "maml-paper"), {"5w1s": ("5w1s",)}, modes=MODES)
    marks = marks_of(tmp_path, make_record, [training])
    assert [*marks] == ["maml transductive", "maml inductive"]
    both = marks["maml transductive"]
    assert both.core_minutes == 1.5  # 90 core-seconds
    assert both.mean == pytest.approx(0.98)
    assert both.high - both.mean == pytest.approx(both.mean - both.low)
    assert both.published == 0.987  # Finn et al. 2017, transductive
    assert marks["maml inductive"].published is None
    assert not both.on_gpu


def test_a_number_of_another_setting_is_not_joined(tmp_path: Path, make_record: Records) -> None:
    training = Training(write_recipe(tmp_path, "maml-paper"), {"5w1s": ("5w1s",)}, modes=MODES[:1])

    def as_inductive(test: Test, _: RunRecord) -> RunRecord:
        return record_of(make_record, test, 0.98, "inductive")

    marks = marks_of(tmp_path, make_record, [training], as_inductive)
    assert marks["maml inductive"].published is None


def test_seeds_are_one_mark_with_their_mean_minutes_and_the_interval_over_them(
    tmp_path: Path, make_record: Records
) -> None:
    recipe = write_recipe(tmp_path, "maml-paper")
    training = Training(recipe, {"5w1s": ("5w1s",)}, seeds=(0, 1, 2))

    def by_seed(test: Test, _: RunRecord) -> RunRecord:
        mean = (0.97, 0.98, 0.99)[test.seed]
        return record_of(make_record, test, mean, core_seconds=60.0 * (1 + test.seed))

    mark = marks_of(tmp_path, make_record, [training], by_seed)["maml inductive"]
    assert mark.core_minutes == pytest.approx(2.0)
    assert mark.mean == pytest.approx(0.98)
    assert mark.high - mark.mean == pytest.approx(4.303 * 0.01 / 3**0.5, rel=1e-3)  # t(2), 95%


def test_minutes_are_those_of_the_training_and_so_is_the_machine(
    tmp_path: Path, make_record: Records
) -> None:
    training = Training(write_recipe(tmp_path, "maml-paper"), {"5w1s": ("5w1s",)}, modes=MODES)

    def elsewhere(test: Test, record: RunRecord) -> RunRecord:
        if test.evaluated:  # its copy of the training says nothing of where it was
            return with_parts(record, environment={"device": "cpu"})
        return with_parts(record, environment={"device": "cuda"})

    marks = marks_of(tmp_path, make_record, [training], elsewhere)
    assert all(mark.on_gpu for mark in marks.values())


def test_what_was_not_trained_has_no_minutes(tmp_path: Path, make_record: Records) -> None:
    recipe = write_recipe(tmp_path, "maml-paper")
    training = Training(recipe, {"5w1s": ("5w1s",)})

    def untrained(_: Test, record: RunRecord) -> RunRecord:
        return with_parts(record, training={"steps_done": 0})

    marks = marks_of(tmp_path, make_record, [training], untrained)
    assert marks["maml transductive"].core_minutes == 0


def test_recipes_and_sizes_of_one_method_are_told_apart(
    tmp_path: Path, make_record: Records
) -> None:
    paper, cpu = (write_recipe(tmp_path, f"maml-{name}") for name in ("paper", "cpu"))
    trainings = [
        Training(paper, {"5w1s": ("5w1s",), "20w5s": ("5w1s",)}),
        Training(cpu, {"5w1s": ("5w1s",)}),
    ]

    def known(test: Test, record: RunRecord) -> RunRecord:
        return replace(record, audit=None)

    marks = marks_of(tmp_path, make_record, trainings, known)
    assert sorted(mark.name for mark in marks.values()) == [
        "maml cpu",
        "maml paper",
        "maml paper from 20-way 5-shot",
    ]


def test_a_test_of_the_papers_own_is_no_part_of_the_panel(
    tmp_path: Path, make_record: Records
) -> None:
    training = Training(write_recipe(tmp_path, "maml-paper"), {"5w1s": ()})
    suite = Suite("about", "omniglot", (training,))
    table = answered(tmp_path, suite, lambda test: record_of(make_record, test, 0.98))
    assert [line.test.own for line in table.lines] == [True]
    assert panel_of("5w1s", table.lines) is None


def test_a_size_is_written_for_reading() -> None:
    assert size_text("20w5s") == "20-way 5-shot"

"""The wide table: what becomes a row, what a column, and which cells are marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.leaderboard import collect, wide
from bench.leaderboard.wide import Wide
from bench.measurements import AuditRecord
from bench.results import RunRecord
from tests.bench.written_runs import Records, with_parts, write_run

NOISE = np.random.default_rng(5).normal(0, 0.01, 50)
ALONE = "each query judged alone, as declared, not measured"
TOGETHER = "queries inform one another, as declared, not measured"


@pytest.fixture
def put(tmp_path: Path, make_record: Records) -> Any:
    """Returns what writes a run of 50 episodes whose scores' mean is about `mean`."""

    def write(folder: str, algorithm: str, mean: float, data: str = "toy", **fields: Any) -> None:
        parts = {k: fields.pop(k) for k in ("training", "protocol") if k in fields}
        record: RunRecord = with_parts(make_record(algorithm, data=data, **fields), **parts)
        spread = NOISE + np.random.default_rng(len(folder)).normal(0, 0.002, 50)
        write_run(tmp_path / folder, record, mean + spread - spread.mean())

    return write


def means(table: Wide) -> dict[str, list[float | None]]:
    """Returns the mean of each cell in %, by the name of the line."""
    return {
        line.method.name: [
            None if cell is None or cell.row.mean is None else round(100 * cell.row.mean, 6)
            for cell in line.cells
        ]
        for line in table.lines
    }


def marked(table: Wide) -> set[tuple[str, str]]:
    """Returns the line and the column of each cell that is marked as best."""
    return {
        (line.method.name, column.name)
        for line in table.lines
        for column, cell in zip(table.columns, line.cells, strict=True)
        if cell and cell.best
    }


def test_a_row_for_each_method_and_a_column_for_each_test(tmp_path: Path, put: Any) -> None:
    put("a-toy", "a", 0.7)
    put("a-other", "a", 0.6, "other")
    put("b-toy", "b", 0.9)
    put("a-five", "a", 0.8, protocol={"id": "5w5s15q", "shots": 5, "sha256": "5" * 64})
    table = wide(collect(tmp_path))
    assert [column.name for column in table.columns] == [
        "other, 5w1s15q",
        "toy, 5w1s15q",
        "toy, 5w5s15q",
    ]
    assert means(table) == {"a": [60, 70, 80], "b": [None, 90, None]}


def test_another_backbone_is_another_row_and_seeds_are_one(tmp_path: Path, put: Any) -> None:
    for seed, mean in enumerate((0.6, 0.8)):
        put(f"seed{seed}", "a", mean, training={"seed": seed})
    record = collect(tmp_path).tables[0].entries[0].record
    changed = with_parts(record, algorithm={"backbone": "mlp"})
    write_run(tmp_path / "mlp", changed, 0.5 + NOISE)
    table = wide(collect(tmp_path))
    assert [line.method.backbone for line in table.lines] == ["conv4", "mlp"]
    (cell,) = table.lines[0].cells
    assert cell and cell.row.seeds == (0, 1) and cell.row.mean == pytest.approx(0.7)


def test_the_same_method_trained_on_other_data_is_another_row(
    tmp_path: Path, put: Any, make_record: Records
) -> None:
    put("own", "a", 0.9)
    put("cross", "a", 0.7, "far", test_data=make_record(data="toy").data)
    table = wide(collect(tmp_path))
    assert [(line.method.name, line.method.trained_on) for line in table.lines] == [
        ("a", ""),
        ("a", "far"),
    ]
    assert [column.trained_on for column in table.columns] == [("far", "toy")]


def test_the_best_and_those_not_told_from_it_are_marked_in_each_column(
    tmp_path: Path, put: Any
) -> None:
    put("best", "best", 0.900)
    put("near1", "near", 0.899)  # less than half a point below
    put("worse-2", "worse", 0.8)
    put("only", "worse", 0.8, "other")
    assert marked(wide(collect(tmp_path))) == {("best", "toy, 5w1s15q"), ("near", "toy, 5w1s15q")}


def test_nothing_is_marked_where_the_best_row_has_no_scores(
    tmp_path: Path, put: Any, make_record: Records
) -> None:
    put("a", "low", 0.5)
    put("b", "middle", 0.7)
    (tmp_path / "c").mkdir()
    make_record("high", data="toy", accuracy=0.9).write(tmp_path / "c")
    table = wide(collect(tmp_path))
    assert [*means(table)] == ["high", "middle", "low"] and marked(table) == set()


def test_transductive_rows_stand_below_and_do_not_compete(tmp_path: Path, put: Any) -> None:
    put("alone", "alone", 0.7)
    put("alone-too", "low", 0.5)
    put("batch-norm", "together", 0.9, transduction="batch norm")
    table = wide(collect(tmp_path))
    assert [title for title, _ in table.parts] == [ALONE, TOGETHER]
    assert [*means(table)] == ["alone", "low", "together"]
    assert marked(table) == {("alone", "toy, 5w1s15q")}


def test_measured_and_declared_settings_stay_apart(tmp_path: Path, put: Any) -> None:
    put("one", "a", 0.7, audit=AuditRecord("inductive", 20, (), ()))
    put("two", "a", 0.8, "other")
    table = wide(collect(tmp_path))
    assert [title for title, _ in table.parts] == ["each query judged alone", ALONE]


def test_two_trainings_of_one_name_are_told_apart_by_what_differs(tmp_path: Path, put: Any) -> None:
    put("short", "a", 0.6, training={"steps": 10})
    put("long", "a", 0.7, training={"steps": 20})
    put("other-a", "a", 0.5, "other", training={"steps": 20})
    put("other-b", "b", 0.4, "other", training={"steps": 5})
    assert means(wide(collect(tmp_path))) == {
        "a [steps=20]": [50, 70],
        "b": [40, None],
        "a [steps=10]": [None, 60],
    }


def test_a_run_made_twice_is_two_rows_by_the_names_of_the_runs(tmp_path: Path, put: Any) -> None:
    put("first", "a", 0.6)
    put("second", "a", 0.7)
    put("other", "a", 0.5, "other")
    assert means(wide(collect(tmp_path))) == {
        "a": [50, None],
        "a [run second]": [None, 70],
        "a [run first]": [None, 60],
    }


def test_tests_of_one_name_are_told_apart_by_episodes_list_and_data(
    tmp_path: Path, put: Any, make_record: Records
) -> None:
    put("a", "a", 0.6, protocol={"episodes": 300, "sha256": "3" * 64})
    put("b", "a", 0.6, protocol={"episodes": 600, "sha256": "6" * 64})
    put("c", "a", 0.6, protocol={"episodes": 600, "sha256": "7" * 64})
    names = [column.name for column in wide(collect(tmp_path)).columns]
    assert names == [
        "toy, 5w1s15q, 300 episodes",
        "toy, 5w1s15q, 600 episodes, list 66666666",
        "toy, 5w1s15q, 600 episodes, list 77777777",
    ]
    record = with_parts(make_record("a"), data={"fingerprint": "0" * 64})
    same = {"episodes": 600, "sha256": "6" * 64}
    write_run(tmp_path / "d", with_parts(record, protocol=same), 0.5 + NOISE)
    columns = wide(collect(tmp_path)).columns
    assert len({column.name for column in columns}) == len(columns) == 4


def test_runs_without_a_result_are_counted_and_have_no_column(
    tmp_path: Path, put: Any, make_record: Records
) -> None:
    put("done", "a", 0.6)
    for name, data in (("here", "toy"), ("there", "elsewhere")):
        (tmp_path / name).mkdir()
        make_record("z", data=data, status="failed", outcome=None).write(tmp_path / name)
    table = wide(collect(tmp_path))
    assert [column.name for column in table.columns] == ["toy, 5w1s15q"]
    assert table.unfinished == 2 and [*means(table)] == ["a"]


def test_in_regression_the_smallest_error_is_the_best(
    tmp_path: Path, put: Any, make_record: Records
) -> None:
    for name, error in (("far", 4.0), ("near", 0.2)):
        record = with_parts(make_record(name, data="curves"), data={"task": "regression"})
        write_run(tmp_path / name, record, error + NOISE)
    assert marked(wide(collect(tmp_path))) == {("near", "curves, 5w1s15q")}


def test_lines_stand_by_their_first_column_those_without_it_by_the_next(
    tmp_path: Path, put: Any
) -> None:
    put("1", "low", 0.5)
    put("2", "high", 0.9)
    put("3", "high", 0.1, "zoo")
    put("4", "zoo-low", 0.7, "zoo")
    put("5", "zoo-high", 0.8, "zoo")
    assert [*means(wide(collect(tmp_path)))] == ["high", "low", "zoo-high", "zoo-low"]

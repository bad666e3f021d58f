"""The leaderboard: only equal episodes share a table; nothing is hidden, nothing is fatal."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError, NothingMatched
from bench.leaderboard import Format, Leaderboard, collect, flat, render
from bench.results import RUN_FILE, RunRecord
from tests.bench.written_runs import Records, ids_of, with_parts, write_run


def collected(root: Path, records: Mapping[str, RunRecord]) -> Leaderboard:
    for name, record in records.items():
        (root / name).mkdir()
        record.write(root / name)
    return collect(root)


def runs_of(board: Leaderboard) -> list[list[str]]:
    return [[entry.folder.name for entry in table.entries] for table in board.tables]


def test_runs_are_ranked_by_accuracy(tmp_path: Path, make_record: Records) -> None:
    records = {
        "low": make_record(accuracy=0.5),
        "high": make_record(accuracy=0.9),
        "middle": make_record(accuracy=0.7),
    }
    assert runs_of(collected(tmp_path, records)) == [["high", "middle", "low"]]


@pytest.mark.parametrize("algorithm", ["protonet", "maml"])
def test_runs_on_other_episodes_never_share_a_table(
    algorithm: str, tmp_path: Path, make_record: Records
) -> None:
    records = {
        "one": make_record(sha256="a" * 64),
        "two": make_record(algorithm, sha256="b" * 64, accuracy=0.99),
    }
    assert sorted(runs_of(collected(tmp_path, records))) == [["one"], ["two"]]


def test_runs_on_equal_episodes_of_other_data_never_share_a_table(
    tmp_path: Path, make_record: Records
) -> None:
    records = {"one": make_record(data="toy"), "two": make_record(data="glyphs")}
    assert sorted(runs_of(collected(tmp_path, records))) == [["one"], ["two"]]


@pytest.mark.parametrize("status", ["failed", "interrupted", "running"])
def test_unfinished_runs_stand_last_in_their_table_with_their_status(
    status: str, tmp_path: Path, make_record: Records
) -> None:
    unfinished = make_record(status=status, sha256="", outcome=None, error="out of memory")
    board = collected(tmp_path, {"a_done": make_record(), "b_other": unfinished})
    assert runs_of(board) == [["a_done", "b_other"]]
    line = [line for line in render(board, "markdown").splitlines() if line.startswith("|")][-1]
    assert status in line and "| -" in line
    rows = json.loads(render(board, "json"))
    assert [row["status"] for row in rows] == ["complete", status]
    assert rows[1]["mean"] is None
    assert rows[1]["error"] == "out of memory"


def test_unfinished_runs_alone_have_a_table_too(tmp_path: Path, make_record: Records) -> None:
    record = make_record(status="failed", sha256="", outcome=None)
    board = collected(tmp_path, {"a": record})
    assert runs_of(board) == [["a"]]
    assert "not evaluated yet" in board.tables[0].title


def test_a_damaged_record_is_told_and_hides_no_other(tmp_path: Path, make_record: Records) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / RUN_FILE).write_text("{")
    board = collected(tmp_path, {"good": make_record(), "future": make_record(schema=99)})
    assert runs_of(board) == [["good"]]
    assert len(board.unreadable) == 2
    assert "damaged" in board.unreadable[0]
    assert "schema 99" in board.unreadable[1]


@pytest.mark.parametrize("form", ["markdown", "csv", "latex", "html", "json"])
def test_damaged_records_alone_are_no_reason_to_fail(form: Format, tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text("{")
    board = collect(tmp_path)
    assert len(board.unreadable) == 1
    assert isinstance(render(board, form), str)


def test_a_folder_without_runs_is_told_with_a_way_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NothingMatched, match="make one: bench run"):
        collect(tmp_path)


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="there is no folder"):
        collect(tmp_path / "nowhere")


@pytest.fixture
def board(tmp_path: Path, make_record: Records) -> Leaderboard:
    chosen = {"set": {"lr": 0.1, "data.seed": 3}}
    return collected(
        tmp_path,
        {
            "first": make_record(accuracy=0.9712),
            "second": make_record("maml", accuracy=0.9, transduction="batch norm", config=chosen),
            "elsewhere": make_record(data="other", accuracy=0.1 + 0.2),
        },
    )


def test_in_regression_the_smallest_error_stands_first(
    tmp_path: Path, make_record: Records
) -> None:
    def on_curves(algorithm: str, error: float) -> RunRecord:
        record = make_record(algorithm, data="curves")
        assert record.outcome is not None
        outcome = replace(record.outcome, mean=error, half_width=0.0123, metric="mse")
        return replace(record, data=replace(record.data, task="regression"), outcome=outcome)

    runs = {"a": on_curves("far", 4.0), "b": on_curves("near", 0.1873), "c": make_record()}
    board = collected(tmp_path, runs)
    assert runs_of(board) == [["b", "a"], ["c"]]
    text = render(board, "markdown")
    assert "MSE" in text and "0.1873 ± 0.0123" in text
    assert "accuracy %" in text
    rows = json.loads(render(board, "json"))
    assert [(row["metric"], row["mean"]) for row in rows[:2]] == [("mse", 0.1873), ("mse", 4.0)]


def test_csv_parses_back(board: Leaderboard) -> None:
    frame = pd.read_csv(io.StringIO(render(board, "csv")))
    assert frame["algorithm"].tolist() == ["protonet", "protonet", "maml"]
    assert frame["mean"].tolist() == [0.1 + 0.2, 0.9712, 0.9]
    assert frame["half_width_95"].tolist() == [0.0042] * 3
    assert frame["transductive"].tolist() == [False, False, True]
    assert frame["episodes_sha256"].tolist() == ["a" * 64] * 3
    assert frame["run"].map(lambda run: Path(run).name).tolist() == ["elsewhere", "first", "second"]


def test_json_parses_back(board: Leaderboard) -> None:
    rows = json.loads(render(board, "json"))
    assert [row["mean"] for row in rows] == pytest.approx([0.3, 0.9712, 0.9], abs=1e-9)
    assert [row["label"] for row in rows] == ["protonet", "protonet", "maml (lr=0.1)"]
    assert set(rows[0]) == set(flat(board).columns)


def test_html_parses_back(board: Leaderboard) -> None:
    text = render(board, "html")
    assert text.count("<table>") == text.count("</table>") == 3
    cells = re.findall(r"<td[^>]*>\s*([^<]*?)\s*</td>", text)
    assert "97.12 ± 0.42" in cells and "maml (lr=0.1)" in cells


def test_latex_has_a_tabular_of_as_many_columns_as_cells(board: Leaderboard) -> None:
    text = render(board, "latex")
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 3
    columns = re.findall(r"\\begin{tabular}{([lrc]+)}", text)
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") + 1 for line in rows} == {len(form) for form in columns}
    for line in rows:
        assert re.search(r"(?<!\\)[%_#]", line) is None, "special characters must be escaped"


def test_markdown_is_a_pipe_table_with_percent_and_interval(board: Leaderboard) -> None:
    lines = [line for line in render(board, "markdown").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0][:5] == ["method", "accuracy %", "group", "ranks", "setting"]
    assert set("".join(cells[1])) <= set(":-")
    lines_of = {row[0]: dict(zip(cells[0], row, strict=True)) for row in cells[-5:]}
    first, second = lines_of["protonet"], lines_of["maml (lr=0.1)"]
    assert first["accuracy %"] == "97.12 ± 0.42" and first["setting"] == "inductive (declared)"
    assert second["setting"] == "transductive (declared)"
    assert (second["parameters"], second["trained"]) == ("111,936", "12 s")
    assert second["seeds"] == "seed 3"


def test_a_setting_with_a_pipe_in_it_does_not_break_the_markdown_table(
    tmp_path: Path, make_record: Records
) -> None:
    board = collected(tmp_path, {"a": make_record(config={"set": {"title": "x|y"}})})
    lines = [line for line in render(board, "markdown").splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_every_table_says_which_episodes_it_is_about(board: Leaderboard) -> None:
    title = "toy, 5w1s15q, 200 test episodes (episodes aaaaaaaa)"
    assert [table.title for table in board.tables] == [title.replace("toy", "other"), title]
    forms: tuple[Format, ...] = ("markdown", "html", "latex")
    for form in forms:
        assert title in render(board, form)


@pytest.mark.parametrize(
    "module",
    ["bench", "bench.leaderboard", "bench.published", "bench.results", "bench.statistics"],
)
def test_tables_and_the_command_line_come_up_without_torch(module: str) -> None:
    code = f"import {module}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_list_that_begins_a_longer_one_is_named_as_such(
    tmp_path: Path, make_record: Records
) -> None:
    """By their ids; runs without ids by what decides their episodes."""
    for name, count, ids in (("short", 3, True), ("long", 5, True), ("old", 4, False)):
        protocol = {"episodes": count, "sha256": name[0] * 64}
        record = with_parts(make_record(), protocol=protocol)
        write_run(tmp_path / name, record, np.full(count, 0.5), ids_of(count) if ids else None)
    notes = {table.title.split()[2]: table.notes for table in collect(tmp_path).tables}
    assert [note[:42] for note in notes["3"]] == [
        "these 3 episodes are the first of the 4 of",
        "these 3 episodes are the first of the 5 of",
    ]
    assert notes["4"][0].startswith("these 4 episodes are the first of the 5")
    assert notes["5"] == ()


def test_a_longer_list_that_begins_otherwise_is_not(tmp_path: Path, make_record: Records) -> None:
    for name, count, first in (("short", 3, 7), ("long", 5, 0)):
        protocol = {"episodes": count, "sha256": name[0] * 64}
        record = with_parts(make_record(), protocol=protocol)
        write_run(tmp_path / name, record, np.full(count, 0.5), ids_of(count, first))
    assert [table.notes for table in collect(tmp_path).tables] == [(), ()]


def test_the_table_of_a_run_is_that_of_the_data_it_was_tested_on(
    tmp_path: Path, make_record: Records
) -> None:
    here = make_record()
    board = collected(tmp_path, {"a": here, "b": make_record(data="far", test_data=here.data)})
    assert runs_of(board) == [["a", "b"]]
    text = render(board, "markdown")
    assert "trained on" in text and "| far" in text

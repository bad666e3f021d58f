"""The wide table in each format."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from bench.leaderboard import collect, render_wide, wide
from bench.leaderboard.markup import Reading
from bench.leaderboard.wide import Wide
from tests.bench.written_runs import Records, with_parts, write_run

WAVE = np.array([-0.1, 0.0, 0.1, 0.0] * 25)


@pytest.fixture
def table(tmp_path: Path, make_record: Records) -> Wide:
    chosen = {"set": {"loss_of": "x%<y|z"}}
    for name, data, mean in (("a", "toy", 0.9), ("b", "toy", 0.5), ("a", "zoo", 0.7)):
        record = make_record(name, data=data, config=chosen if name == "b" else {})
        write_run(tmp_path / f"{name}-{data}", record, mean + WAVE)
    cross = make_record("a", data="far", test_data=make_record(data="zoo").data)
    write_run(tmp_path / "cross", cross, 0.4 + WAVE)
    record = make_record("t", data="zoo", transduction="all queries")
    write_run(tmp_path / "t", record, 0.95 + WAVE)
    return wide(collect(tmp_path))


# sd of the wave: sqrt(0.5 / 99) = 0.071067; t(0.975, 99) = 1.98422; half-width 1.98422 * sd / 10
HALF_WIDTH = 0.0141012


def grid_of(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_markdown_is_one_table_with_a_part_for_each_setting(table: Wide) -> None:
    names, _, *rows = grid_of(render_wide(table, "markdown"))
    assert names == ["method", "backbone", "trained on", "toy, 5w1s15q", "zoo, 5w1s15q"]
    assert rows == [
        ["*each query judged alone, as declared, not measured*", "", "", "", ""],
        ["a", "conv4", "the same data", "**90.00 ± 1.41**", "**70.00 ± 1.41**"],
        [r"b (loss_of=x%<y\|z)", "conv4", "the same data", "50.00 ± 1.41", ""],
        ["a", "conv4", "far", "", "40.00 ± 1.41"],
        ["*queries inform one another, as declared, not measured*", "", "", "", ""],
        ["t", "conv4", "the same data", "", "95.00 ± 1.41"],
    ]


def test_below_stands_a_line_for_each_column(table: Wide) -> None:
    lines = render_wide(table, "markdown").splitlines()
    assert [line for line in lines if line.startswith("- ")] == [
        "- toy, 5w1s15q: accuracy %, 200 test episodes (episodes aaaaaaaa)",
        "- zoo, 5w1s15q: accuracy %, 200 test episodes (episodes aaaaaaaa); trained on far or zoo",
    ]


def test_csv_parses_back(table: Wide) -> None:
    lines = [*csv.DictReader(io.StringIO(render_wide(table, "csv")))]
    assert [line["method"] for line in lines] == ["a", "b (loss_of=x%<y|z)", "a", "t"]
    assert [line["trained_on"] for line in lines] == ["", "", "far", ""]
    first, second = lines[:2]
    assert float(first["toy, 5w1s15q"]) == pytest.approx(0.9)
    assert float(first["toy, 5w1s15q, half_width_95"]) == pytest.approx(HALF_WIDTH, rel=1e-4)
    assert (first["toy, 5w1s15q, best"], second["toy, 5w1s15q, best"]) == ("True", "False")
    assert second["zoo, 5w1s15q"] == second["zoo, 5w1s15q, best"] == ""


def test_json_parses_back(table: Wide) -> None:
    found = json.loads(render_wide(table, "json"))
    assert [test["name"] for test in found["tests"]] == ["toy, 5w1s15q", "zoo, 5w1s15q"]
    assert [test["trained_on"] for test in found["tests"]] == [None, ["far", "zoo"]]
    assert found["tests"][0]["episodes_sha256"] == "a" * 64
    assert [[*row["cells"]] for row in found["rows"]] == [
        ["toy, 5w1s15q", "zoo, 5w1s15q"],
        ["toy, 5w1s15q"],
        ["zoo, 5w1s15q"],
        ["zoo, 5w1s15q"],
    ]
    cell = found["rows"][0]["cells"]["toy, 5w1s15q"]
    assert (cell["mean"], cell["half_width_95"]) == pytest.approx((0.9, HALF_WIDTH), rel=1e-4)
    assert (cell["group"], cell["best"], cell["seeds"]) == ("a", True, [3])


def test_html_marks_the_best_and_escapes_names(table: Wide) -> None:
    text = render_wide(table, "html")
    assert text.count("<table>") == text.count("</table>") == 1
    assert "<b>90.00 ± 1.41</b>" in text and "<b>50.00" not in text
    assert "x%&lt;y|z" in text and "x%<y" not in text


def test_latex_marks_the_best_and_escapes_names(table: Wide) -> None:
    text = render_wide(table, "latex")
    assert text.count(r"\begin{tabular}{lllll}") == 1
    assert r"\textbf{90.00 $\pm$ 1.41}" in text
    assert r"loss\_of=x\%$<$y|z" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in rows} == {4}


@pytest.mark.parametrize("form", ["markdown", "html", "latex"])
def test_there_is_no_average_and_no_word_of_one(form: Reading, table: Wide) -> None:
    assert not re.search("average|mean|ranking", render_wide(table, form))


def test_seeds_are_told_in_the_cell(tmp_path: Path, make_record: Records) -> None:
    for seed, mean in enumerate((0.90, 0.92, 0.94)):
        record = with_parts(make_record(), training={"seed": seed})
        write_run(tmp_path / f"{seed}", record, mean + WAVE)
    text = render_wide(wide(collect(tmp_path)), "markdown")
    # s = 0.02; t(0.975, 2) = 4.3027; 4.3027 * 0.02 / sqrt(3)
    assert "92.00 ± 4.97 (3 seeds)" in text
    assert "over trainings (Student t)" in text


def test_other_metrics_stand_in_the_names_of_their_columns(
    tmp_path: Path, make_record: Records
) -> None:
    write_run(tmp_path / "a", make_record(), 0.5 + WAVE)
    curves = with_parts(make_record(data="curves"), data={"task": "regression"})
    write_run(tmp_path / "b", curves, 0.5 + WAVE)
    names = grid_of(render_wide(wide(collect(tmp_path)), "markdown"))[0]
    assert names[-2:] == ["curves, 5w1s15q, MSE", "toy, 5w1s15q, accuracy %"]

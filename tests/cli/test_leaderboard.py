"""`bench leaderboard`: tables in each format, published numbers on request."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.cli import run_command_line
from tests.bench.written_runs import Records, write_run


def bench(*arguments: str) -> int:
    return run_command_line(["leaderboard", *arguments])


@pytest.fixture
def results(tmp_path: Path, make_record: Records) -> str:
    write_run(tmp_path / "a", make_record("protonet", data="omniglot"), np.array([0.9, 0.97]))
    return str(tmp_path)


@pytest.mark.parametrize("form", ["markdown", "csv", "latex", "html", "json"])
def test_every_format_is_printed(
    form: str, results: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(results, "--format", form) == 0
    assert "protonet" in capsys.readouterr().out


def test_published_numbers_are_printed_on_request(
    results: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(results) == 0
    assert "98.8" not in capsys.readouterr().out
    assert bench(results, "--published") == 0
    assert "98.8" in capsys.readouterr().out  # Snell et al. 2017, Table 1


@pytest.mark.parametrize("form", ["csv", "json"])
def test_published_numbers_are_no_rows_of_plain_data(
    form: str, results: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(results, "--published", "--format", form) == 4
    assert "bench published --json" in capsys.readouterr().err


def test_plain_data_have_section_group_and_places(
    results: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(results, "--format", "json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["section"] == "each query judged alone, as declared, not measured"
    assert (row["group"], row["rank_best"], row["rank_worst"]) == ("a", 1, 1)


@pytest.mark.parametrize("form", ["markdown", "csv", "latex", "html", "json"])
def test_one_table_for_all_tests_is_printed_in_every_format(
    form: str, results: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(results, "--wide", "--format", form) == 0
    assert "omniglot, 5w1s15q" in capsys.readouterr().out


def test_published_numbers_do_not_go_with_the_wide_table(
    results: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(results, "--wide", "--published") == 4
    assert "--wide" in capsys.readouterr().err


def test_the_wide_table_needs_a_run_with_a_result(
    tmp_path: Path, make_record: Records, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir()
    make_record(status="failed", outcome=None).write(tmp_path / "a")
    assert bench(str(tmp_path), "--wide") == 5
    assert "has a result" in capsys.readouterr().err

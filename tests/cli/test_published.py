"""`bench published`: filters, sources, JSON."""

from __future__ import annotations

import json

import pytest

from bench.cli import run_command_line


def bench(*arguments: str) -> int:
    return run_command_line(["published", *arguments])


def test_filters_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ("--data", "omniglot", "--ways", "20", "--shots", "1", "--method", "protonet")
    assert bench(*chosen, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["printed"] for row in rows} == {"96.0", "95.8"}
    assert {(row["data"], row["ways"], row["shots"]) for row in rows} == {("omniglot", 20, 1)}


def test_a_method_is_found_by_its_name_here_or_in_the_paper(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench("--method", "matchingnet", "--data", "omniglot", "--json") == 0
    assert {row["method"] for row in json.loads(capsys.readouterr().out)} == {
        "Matching Networks (cosine)",
        "Matching Networks (l2)",
    }


def test_the_table_has_setting_source_and_certainty(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("--data", "omniglot", "--method", "reptile", "--ways", "5", "--shots", "1") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "omniglot, 5-way 1-shot, accuracy %" in printed
    assert "95.39 ± 0.09 inductive" in printed and "97.68 ± 0.04 transductive" in printed
    assert "arXiv:1803.02999v3" in printed


def test_unknown_data_get_the_nearest_and_an_empty_answer_is_exit_code_5(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench("--data", "omniglt") == 4
    assert "did you mean 'omniglot'?" in capsys.readouterr().err
    assert bench("--ways", "7") == 5
    assert "no published number" in capsys.readouterr().err

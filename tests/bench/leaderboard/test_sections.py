"""Sections: transductive is never ranked beside inductive, nor measured beside declared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.leaderboard import collect, render
from bench.measurements import AuditRecord, VerificationRecord
from bench.results import EPISODES_FILE
from tests.bench.written_runs import Records, write_run

SCORES = np.array([0.8, 0.9, 0.7, 0.85])


def audited(verdict: Any) -> AuditRecord:
    errors = ("order leak",) if verdict == "error" else ()
    return AuditRecord(verdict, 20, (), errors)


def layout(root: Path) -> dict[str, list[str]]:
    """Returns the folders of the only table by the title of their section."""
    (table,) = collect(root).tables
    return {
        section.title: [entry.folder.name for row in section.rows for entry in row.entries]
        for section in table.sections
    }


def test_what_was_measured_decides_else_what_is_declared(
    tmp_path: Path, make_record: Records
) -> None:
    batch = {"transduction": "batch norm"}
    for name, fields in (
        ("measured-alone", {"audit": audited("inductive"), **batch}),
        ("measured-batch", {"audit": audited("batch-dependent")}),
        ("measured-together", {"audit": audited("transductive")}),
        ("declared-alone", {}),
        ("declared-together", batch),
        ("leak", {"audit": audited("error")}),
    ):
        write_run(tmp_path / name, make_record(name, **fields), SCORES)
    (tmp_path / "gone").mkdir()
    make_record("z", status="failed", outcome=None, sha256="").write(tmp_path / "gone")
    assert layout(tmp_path) == {
        "each query judged alone": ["measured-alone"],
        "queries inform one another": ["measured-batch", "measured-together"],
        "each query judged alone, as declared, not measured": ["declared-alone"],
        "queries inform one another, as declared, not measured": ["declared-together"],
        "the audit found an error: not ranked": ["leak"],
        "not finished": ["gone"],
    }
    text = render(collect(tmp_path), "markdown")
    for setting in (
        "inductive (measured; declared transductive)",
        "batch-dependent (measured; declared inductive)",
        "inductive (declared)",
    ):
        assert f"| {setting}" in text


def test_ranks_begin_anew_in_each_section(tmp_path: Path, make_record: Records) -> None:
    write_run(tmp_path / "low", make_record("low"), SCORES - 0.3)
    write_run(tmp_path / "high", make_record("high", transduction="all queries"), SCORES)
    rows = json.loads(render(collect(tmp_path), "json"))
    assert [(row["algorithm"], row["rank_best"], row["rank_worst"]) for row in rows] == [
        ("low", 1, 1),
        ("high", 1, 1),
    ]


def test_an_altered_run_is_shown_and_not_ranked(tmp_path: Path, make_record: Records) -> None:
    for name in ("honest", "tampered"):
        write_run(tmp_path / name, make_record(name), SCORES)
    with (tmp_path / "tampered" / EPISODES_FILE).open("a") as file:
        file.write("4,1.0\n")
    assert layout(tmp_path) == {
        "each query judged alone, as declared, not measured": ["honest"],
        "altered since the run wrote them: not ranked": ["tampered"],
    }
    text = render(collect(tmp_path), "markdown")
    assert "episodes.csv is not what the run wrote" in text
    rows = {row["algorithm"]: row for row in json.loads(render(collect(tmp_path), "json"))}
    assert rows["tampered"]["verified"] == "altered"
    assert rows["tampered"]["rank_best"] is None


@pytest.mark.parametrize("verdict", ["verified", "within tolerance", "failed"])
def test_what_verify_found_is_a_badge(verdict: Any, tmp_path: Path, make_record: Records) -> None:
    found = VerificationRecord(verdict, "2026-01-01", "card", ())
    write_run(tmp_path / "a", make_record(verification=found), SCORES)
    text = render(collect(tmp_path), "markdown")
    assert f"| {verdict}" in text and "| verified" in text
    assert "None of these runs" not in text

"""Published numbers stand in a table of their own, matched by data, ways, shots and algorithm."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.leaderboard import Format, collect, render
from bench.leaderboard.beside import beside
from bench.results import RunRecord
from tests.bench.written_runs import Records, with_parts


def write(root: Path, record: RunRecord) -> None:
    root.mkdir()
    record.write(root)


def test_the_difference_is_ours_less_the_published_one(
    tmp_path: Path, make_record: Records
) -> None:
    write(tmp_path / "a", make_record("protonet", data="omniglot", accuracy=0.975))
    lines = beside(collect(tmp_path).tables[0]).lines
    paper = next(line for line in lines if "Snell" in line["source"])
    assert (paper["published"], paper["ours"], paper["difference"]) == (
        "98.8",  # Snell et al. 2017, Table 1
        "97.50 ± 0.42",
        "-1.30",
    )
    assert paper["setting, published"] == "inductive"
    assert paper["setting, ours"] == "inductive (declared)"
    assert "read in the paper" in paper["source"]


@pytest.mark.parametrize(
    "protocol", [{"ways": 20}, {"shots": 5}, {"kind": "dirichlet"}, {"ways": 3}], ids=str
)
def test_another_protocol_has_other_numbers_or_none(
    protocol: dict[str, object], tmp_path: Path, make_record: Records
) -> None:
    record = make_record("protonet", data="omniglot")
    write(tmp_path / "a", with_parts(record, protocol=protocol))
    lines = beside(collect(tmp_path).tables[0]).lines
    assert "98.8" not in {line["published"] for line in lines}


def test_in_regression_there_are_no_ways(tmp_path: Path, make_record: Records) -> None:
    record = make_record("maml", data="sinusoid", accuracy=1.0)
    record = with_parts(record, data={"task": "regression"}, protocol={"ways": 1, "shots": 5})
    write(tmp_path / "a", record)
    (line,) = beside(collect(tmp_path).tables[0]).lines
    assert (line["published"], line["difference"]) == ("1.13 ± 0.18", "-0.1300")


def test_data_without_published_numbers_say_so(tmp_path: Path, make_record: Records) -> None:
    write(tmp_path / "a", make_record(data="glyphs"))
    found = beside(collect(tmp_path).tables[0])
    assert found.lines == [] and "no published numbers for glyphs" in found.note


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_published_numbers_come_below_the_ranking_and_only_when_asked_for(
    form: Format, tmp_path: Path, make_record: Records
) -> None:
    write(tmp_path / "a", make_record("protonet", data="omniglot"))
    board = collect(tmp_path)
    assert "Snell" not in render(board, form)
    text = render(board, form, published=True)
    assert text.index("no ranking") < text.index("Snell")
    assert text.index("ranks") < text.index("no ranking")

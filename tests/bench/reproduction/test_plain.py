"""Plain: the same numbers for other programs, a row for each line and each absent test."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from bench.reproduction import Reproduction, render_plain
from bench.suite import Suite, Test, Training
from tests.bench.reproduction.suites import MODES, Answer, answered, record_of, write_recipe
from tests.bench.written_runs import Records


@pytest.fixture
def table(tmp_path: Path, make_record: Records) -> Reproduction:
    recipe = write_recipe(tmp_path, "maml-paper")
    training = Training(recipe, {"5w1s": ("5w1s",)}, (0, 1), modes=MODES)

    def answer(test: Test) -> Answer:
        if test.mode.set and test.seed == 1:
            return "failed"
        mean = 0.96 if test.seed else 0.98
        return record_of(make_record, test, mean, "transductive", core_seconds=60.0 + test.seed)

    return answered(tmp_path, Suite("", "omniglot", (training,)), answer)


def test_json_has_plain_numbers(table: Reproduction) -> None:
    rows = json.loads(render_plain(table, "json"))
    own, common, alone, failed = rows
    assert (own["test"], common["test"], own["queries"], own["episodes"]) == (
        "own",
        "common",
        1,
        600,
    )
    assert common["seeds"] == "0 1"
    assert (common["mean"], common["published"]) == pytest.approx((0.97, 0.987))
    assert common["difference"] == pytest.approx(-1.7)  # points
    # s = 1.414214 points
    assert common["deviation_over_seeds"] == pytest.approx(1.414214)
    assert common["tolerance"] == pytest.approx(2.828427)
    assert (common["verdict"], common["short"], common["measured"]) == (
        "pass",
        False,
        "transductive",
    )
    assert (common["training_core_seconds"], common["core_seconds_by_the_clock"]) == (60.5, False)
    assert (alone["seeds"], alone["published"], alone["verdict"]) == ("0", None, "-")
    assert (failed["state"], failed["seeds"], failed["note"], failed["mean"]) == (
        "failed",
        "1",
        "loss is not finite",
        None,
    )
    assert all(list(row) == list(own) and all(map(str.isidentifier, row)) for row in rows)


def test_csv_has_the_same_rows(table: Reproduction) -> None:
    rows = [*csv.DictReader(io.StringIO(render_plain(table, "csv")))]
    known = json.loads(render_plain(table, "json"))
    assert [row["state"] for row in rows] == [row["state"] for row in known]
    assert [row["run"] for row in rows] == ["run-0", "run-1", "run-2", ""]
    assert float(rows[1]["mean"]) == pytest.approx(0.97)

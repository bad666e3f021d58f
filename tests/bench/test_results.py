"""Results: written and read back whole; what is damaged is refused by name."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.results import RUN_FILE, SCHEMA, RunRecord, find_runs, read_run, seal_of

Records = Callable[..., RunRecord]


def test_a_record_comes_back_as_it_was_written(tmp_path: Path, make_record: Records) -> None:
    record = make_record(
        config={"algo": "a", "set": {"lr": 0.1, "data.seed": "3", "fast": True}, "steps": None},
        error='ünïcode "quoted"',
    )
    assert record.write(tmp_path) == record.sealed()
    assert read_run(tmp_path) == record.sealed()


def test_a_record_without_outcome_comes_back(tmp_path: Path, make_record: Records) -> None:
    record = make_record(status="running", outcome=None)
    assert record.write(tmp_path) == record.sealed()
    assert read_run(tmp_path) == record.sealed()


def test_a_record_is_json_that_other_programs_read(tmp_path: Path, make_record: Records) -> None:
    make_record().write(tmp_path)
    content = json.loads((tmp_path / RUN_FILE).read_text())
    assert content["schema"] == SCHEMA == 3
    assert content["status"] == "complete"
    assert content["outcome"]["mean"] == 0.975
    assert content["outcome"]["metric"] == "accuracy"
    assert content["protocol"]["sha256"] == "a" * 64


def test_an_infinite_half_width_is_written_as_json_and_comes_back_as_unknown(
    tmp_path: Path, make_record: Records
) -> None:
    record = make_record()
    assert record.outcome is not None
    replace(record, outcome=replace(record.outcome, half_width=math.inf)).write(tmp_path)
    json.loads((tmp_path / RUN_FILE).read_text(), parse_constant=pytest.fail)
    outcome = read_run(tmp_path).outcome
    assert outcome is not None and outcome.half_width is None


def test_the_fields_of_schema_1_stay_what_they_are(tmp_path: Path, make_record: Records) -> None:
    make_record().write(tmp_path)
    content = json.loads((tmp_path / RUN_FILE).read_text())
    assert {
        *("schema", "name", "status", "error", "started", "command", "config", "algorithm"),
        *("data", "protocol", "training", "environment", "seconds", "peak_memory_bytes"),
        "outcome",
    } <= set(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b'{"schema": 1}',
        b'{"schema": "one"}',
        b'{"name": "without a schema"}',
    ],
)
def test_a_damaged_record_is_refused_by_its_path(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RUN_FILE).write_bytes(content)
    with pytest.raises(BenchError, match=r"run\.json cannot be read"):
        read_run(tmp_path)


def test_a_record_with_a_field_of_another_type_is_refused(
    tmp_path: Path, make_record: Records
) -> None:
    make_record().write(tmp_path)
    content = json.loads((tmp_path / RUN_FILE).read_text())
    content["outcome"]["mean"] = "high"
    (tmp_path / RUN_FILE).write_text(json.dumps(content))
    with pytest.raises(BenchError, match=r"run\.json cannot be read.*mean"):
        read_run(tmp_path)


def test_a_record_of_another_schema_is_refused_with_both_numbers(
    tmp_path: Path, make_record: Records
) -> None:
    make_record(schema=SCHEMA + 1).write(tmp_path)
    with pytest.raises(BenchError, match="has schema 4; this version of bench reads 3"):
        read_run(tmp_path)


def test_a_record_of_the_first_schema_is_read_as_one_of_today(
    tmp_path: Path, make_record: Records
) -> None:
    make_record().write(tmp_path)
    content = json.loads((tmp_path / RUN_FILE).read_text())
    content["schema"] = 1
    outcome, training = content["outcome"], content["training"]
    outcome["accuracy"] = outcome.pop("mean")
    training["best_validation_accuracy"] = training.pop("best_validation_score")
    del outcome["metric"], content["data"]["task"]
    (tmp_path / RUN_FILE).write_text(json.dumps(content))
    content["seal"] = ""
    (tmp_path / RUN_FILE).write_text(json.dumps(content))
    assert read_run(tmp_path) == replace(make_record(), schema=3)


def test_a_record_is_whole_until_a_byte_of_it_is_another(
    tmp_path: Path, make_record: Records
) -> None:
    make_record().write(tmp_path)
    assert seal_of(tmp_path) == "whole"
    path = tmp_path / RUN_FILE
    written = path.read_bytes()
    for place, byte in enumerate(written):
        if place % 7:  # every byte would take a second
            continue
        path.write_bytes(written[:place] + bytes([byte ^ 1]) + written[place + 1 :])
        with contextlib.suppress(BenchError):  # most are no record any more
            assert seal_of(tmp_path) == "broken", f"byte {place}"
    path.write_bytes(written + b"\n")
    assert seal_of(tmp_path) == "broken"


def test_a_record_of_an_earlier_schema_has_no_seal(tmp_path: Path, make_record: Records) -> None:
    make_record().write(tmp_path)
    content = json.loads((tmp_path / RUN_FILE).read_text())
    del content["seal"]
    (tmp_path / RUN_FILE).write_text(json.dumps(content | {"schema": 2}))
    assert seal_of(tmp_path) == "none"


def test_a_missing_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"run\.json cannot be read"):
        read_run(tmp_path)


def test_runs_are_found_at_any_depth_in_the_order_of_their_paths(
    tmp_path: Path, make_record: Records
) -> None:
    for name in ("b", "a/deep/down", "c"):
        (tmp_path / name).mkdir(parents=True)
        make_record().write(tmp_path / name)
    (tmp_path / "empty").mkdir()
    assert find_runs(tmp_path) == [tmp_path / "a" / "deep" / "down", tmp_path / "b", tmp_path / "c"]

"""Finished runs: what else is done with their weights is counted in their records."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from bench import finished
from bench.measurements import TestUse
from bench.results import RunRecord, read_run


def test_uses_that_are_counted_at_the_same_time_are_all_counted(
    tmp_path: Path, make_record: Callable[..., RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when two suites test the same weights: who reads the record slowly loses no count."""
    replace(make_record(), test_uses=()).write(tmp_path)

    def slowly(folder: Path) -> RunRecord:
        record = read_run(folder)
        time.sleep(0.02)
        return record

    monkeypatch.setattr(finished, "read_run", slowly)
    uses = [TestUse("evaluate", "", number, "") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda use: finished.count_use(tmp_path, use), uses))
    assert {use.episodes for use in read_run(tmp_path).test_uses} == set(range(6))
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]

"""Rows: seeds of one configuration are one row, with the spread over seeds as its interval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.leaderboard import collect, render
from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row, rows_of
from bench.measurements import VerificationRecord
from tests.bench.written_runs import Records, with_parts, write_run

WAVE = np.array([-0.1, 0.0, 0.1, 0.0])


@pytest.fixture
def seeded(tmp_path: Path, make_record: Records) -> Path:
    for seed, mean in enumerate((0.90, 0.92, 0.94)):
        record = with_parts(make_record(), training={"seed": seed})
        write_run(tmp_path / f"run-{seed}", record, mean + WAVE)
    return tmp_path


def test_seeds_become_one_row_with_students_interval_over_them(seeded: Path) -> None:
    ((row,),) = [table.rows for table in collect(seeded).tables]
    assert row.seeds == (0, 1, 2)
    assert row.mean == pytest.approx(0.92)
    # s = 0.02; t(0.975, 2) = 4.3027; 4.3027 * 0.02 / sqrt(3)
    assert row.half_width == pytest.approx(0.049682, abs=1e-6)
    # s = sqrt(0.02 / 3), t(0.975, 3) = 3.1824; each seed alone
    assert row.over_episodes == pytest.approx(3.1824 * (0.02 / 3) ** 0.5 / 2, rel=1e-4)
    assert row.scores is not None
    assert row.scores.tolist() == pytest.approx((0.92 + WAVE).tolist())


def test_the_row_says_how_many_seeds_and_both_spreads(seeded: Path) -> None:
    text = render(collect(seeded), "markdown")
    assert "92.00 ± 4.97 over seeds (each ± 12.99 over episodes)" in text
    assert "| 3 seeds" in text and "run-0 and 2 more" in text
    assert "over seeds: over trainings" in text
    rows = json.loads(render(collect(seeded), "json"))
    assert [row["seed"] for row in rows] == [0, 1, 2]
    assert {row["row_seeds"] for row in rows} == {3}
    assert [row["row_mean"] for row in rows] == pytest.approx([0.92] * 3)
    assert {row["row_half_width_over"] for row in rows} == {"seeds"}


def test_another_parameter_another_seed_twice_and_a_failure_stay_rows_of_their_own(
    make_record: Records,
) -> None:
    other = with_parts(make_record(), algorithm={"parameters": {"lr": 9.0}})
    failed = with_parts(make_record(status="failed", outcome=None), training={"seed": 4})
    records = [make_record(), make_record(), other, failed]
    rows = rows_of(Entry(Path(str(i)), record) for i, record in enumerate(records))
    assert sorted(len(row.entries) for row in rows) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("badges", "shown"),
    [
        (["verified", "verified"], "verified"),
        (["verified", "within tolerance"], "within tolerance"),
        (["verified", "failed"], "failed"),
        (["verified", ""], "1 of 2"),
        (["", ""], ""),
    ],
)
def test_the_badge_of_a_row_is_its_worst(
    badges: list[Any], shown: str, make_record: Records
) -> None:
    entries = [
        Entry(
            Path(str(i)), make_record(verification=VerificationRecord(b, "", "", ()) if b else None)
        )
        for i, b in enumerate(badges)
    ]
    assert Row(tuple(entries)).verified == shown

"""Several datasets: against scipy's Friedman test and Demsar's table of critical values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bench.leaderboard import collect, render
from bench.leaderboard.several import friedman_nemenyi
from tests.bench.written_runs import Records


def test_friedmans_p_is_scipys_with_ties_too() -> None:
    rng = np.random.default_rng(0)
    for table in (rng.normal(0, 1, (8, 4)), rng.integers(0, 3, (8, 4)).astype(float)):
        ranks, p, _ = friedman_nemenyi(table)
        assert p == pytest.approx(stats.friedmanchisquare(*table.T).pvalue)
        assert ranks.sum() == pytest.approx(4 * 5 / 2)


@pytest.mark.parametrize(("k", "quantile"), [(2, 1.960), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_has_the_quantiles_of_demsars_table_5(
    k: int, quantile: float
) -> None:
    table = np.random.default_rng(0).normal(0, 1, (10, k))
    expected = quantile * (k * (k + 1) / 60) ** 0.5
    assert friedman_nemenyi(table)[2] == pytest.approx(expected, rel=5e-4)


def test_one_dataset_is_not_worth_a_word(tmp_path: Path, make_record: Records) -> None:
    write(tmp_path, make_record, 1)
    assert collect(tmp_path).notes == ()


def write(root: Path, make_record: Records, datasets: int, methods: str = "ab") -> None:
    for number in range(datasets):
        for place, method in enumerate(methods):
            folder = root / f"{method}{number}"
            folder.mkdir()
            make_record(method, data=f"data{number}", accuracy=0.9 - place / 10).write(folder)


def test_below_six_datasets_there_is_a_line_that_says_why_there_is_no_diagram(
    tmp_path: Path, make_record: Records
) -> None:
    write(tmp_path, make_record, 5)
    (note,) = collect(tmp_path).notes
    assert "needs at least 6 datasets; here are 5" in note
    assert note in render(collect(tmp_path), "markdown")


def test_from_six_on_there_are_average_ranks_and_a_critical_difference(
    tmp_path: Path, make_record: Records
) -> None:
    write(tmp_path, make_record, 6)
    (note,) = collect(tmp_path).notes
    assert "2 methods on 6 datasets" in note
    assert "a on conv4 1.00, b on conv4 2.00" in note
    assert "less than 0.80" in note  # 1.960 * sqrt(2 * 3 / 36)


def test_variants_of_one_dataset_count_once(tmp_path: Path, make_record: Records) -> None:
    write(tmp_path, make_record, 6)
    for place, method in enumerate("ab"):  # a second list of episodes on which b is far ahead
        folder = tmp_path / f"again-{method}"
        folder.mkdir()
        make_record(method, data="data0", accuracy=place, sha256="b" * 64).write(folder)
    (note,) = collect(tmp_path).notes
    assert "on 6 datasets" in note
    assert "a on conv4 1.17, b on conv4 1.83" in note  # b's mean is ahead on one dataset of six


def test_methods_that_are_missing_somewhere_are_left_out(
    tmp_path: Path, make_record: Records
) -> None:
    write(tmp_path, make_record, 6)
    (tmp_path / "c").mkdir()
    make_record("c", data="data0").write(tmp_path / "c")
    (note,) = collect(tmp_path).notes
    assert "c on" not in note and "2 methods" in note


def test_trained_on_other_data_is_another_method(tmp_path: Path, make_record: Records) -> None:
    write(tmp_path, make_record, 6)
    (tmp_path / "cross").mkdir()
    here = make_record(data="data0").data
    make_record("a", data="far", test_data=here, accuracy=0.1).write(tmp_path / "cross")
    (note,) = collect(tmp_path).notes
    assert "a on conv4 1.00, b on conv4 2.00" in note and "trained on" not in note

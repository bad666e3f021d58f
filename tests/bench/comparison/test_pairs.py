"""Comparing runs: what is certain is found, what is noise is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.comparison.matching import ComparedRun
from bench.comparison.pairs import check_enough, compare, worse_than
from bench.errors import BenchError
from bench.measurements import AuditRecord
from bench.scores import Scores
from tests.bench.written_runs import Records, ids_of, with_parts

RNG = np.random.default_rng(0)
EASY = RNG.normal(0, 0.08, 300)
GOOD = 0.9 + EASY + RNG.normal(0, 0.02, 300)
TWIN = 0.9 + EASY + RNG.normal(0, 0.02, 300)
POOR = 0.8 + EASY + RNG.normal(0, 0.02, 300)


@pytest.fixture
def tested(make_record: Records) -> Any:
    def make(name: str, scores: np.ndarray, first: int = 0, **fields: Any) -> ComparedRun:
        ids = tuple(ids_of(len(scores), first))
        return ComparedRun(name, make_record(**fields), Scores(scores, ids))

    return make


def test_a_gap_is_found_and_twins_are_not_separable(tested: Any) -> None:
    found = compare([tested("good", GOOD), tested("twin", TWIN), tested("poor", POOR)])
    verdicts = [pair.judgement.verdict for pair in found.pairs]
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, 1), (0, 2), (1, 2)]
    assert verdicts == ["not separable", "better", "better"]
    assert worse_than(found) == ()
    turned = compare([tested("poor", POOR), tested("good", GOOD)])
    assert [pair.judgement.verdict for pair in turned.pairs] == ["worse"]
    assert worse_than(turned) == ("good",)


def test_the_figures_of_a_pair_are_scipys(tested: Any) -> None:
    (pair,) = compare([tested("good", GOOD), tested("poor", POOR[:200])]).pairs
    a, b = GOOD[:200], POOR[:200]
    interval = stats.ttest_rel(a, b).confidence_interval(0.95)
    wide = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert pair.episodes == 200 and pair.paired
    assert pair.means == pytest.approx((a.mean(), b.mean()))
    assert pair.difference.low == pytest.approx(interval.low)
    assert pair.unpaired.low == pytest.approx(wide.low)
    assert pair.unpaired.half_width > 2 * pair.difference.half_width
    assert pair.p == pair.adjusted == pytest.approx(1 / 10001)


def test_runs_without_common_episodes_get_welchs_t_on_all_of_each(tested: Any) -> None:
    (pair,) = compare([tested("good", GOOD), tested("poor", POOR[:100], first=1000)]).pairs
    expected = stats.ttest_ind(GOOD, POOR[:100], equal_var=False)
    assert not pair.paired and pair.test == "Welch's t"
    assert pair.p == pytest.approx(expected.pvalue)
    assert pair.difference == pair.unpaired
    assert "Welch" in pair.how


def test_holm_runs_over_all_pairs(tested: Any) -> None:
    runs = [tested(name, scores) for name, scores in (("a", GOOD), ("b", TWIN), ("c", POOR))]
    pairs = compare(runs).pairs
    smallest = min(pair.p for pair in pairs)
    assert min(pair.adjusted for pair in pairs) == pytest.approx(3 * smallest)


def test_of_errors_the_smaller_is_better(tested: Any, make_record: Records) -> None:
    runs = [tested("good", POOR), tested("poor", GOOD)]
    curves = [
        ComparedRun(run.name, with_parts(run.record, data={"task": "regression"}), run.scores)
        for run in runs
    ]
    assert compare(curves).pairs[0].judgement.verdict == "better"
    assert compare(curves, rope=50.0).pairs[0].judgement.verdict == "not separable"


def test_the_region_of_equivalence_is_what_was_asked_for(tested: Any) -> None:
    runs = [tested("good", GOOD), tested("poor", POOR)]
    assert compare(runs, rope=5.0).pairs[0].judgement.verdict == "better"
    (pair,) = compare(runs, rope=15.0).pairs
    assert pair.judgement.verdict == "not separable"
    assert "equivalent" in pair.judgement.remark or "do differ" in pair.judgement.remark


def test_a_comparison_across_settings_is_said_as_measured_before_as_declared(tested: Any) -> None:
    alone, together = tested("a", GOOD), tested("b", POOR, transduction="batch norm")
    (pair,) = compare([alone, together]).pairs
    assert "inductive (declared) against transductive (declared)" in pair.notes[0]
    audit = AuditRecord("inductive", 20, ())
    measured = tested("b", POOR, transduction="batch norm", audit=audit)
    assert compare([alone, measured]).pairs[0].notes == ()


def test_a_run_whose_audit_found_an_error_is_said_to_be_of_no_use(tested: Any) -> None:
    leak = tested("leak", GOOD, audit=AuditRecord("error", 20, (), ("order leak",)))
    (pair,) = compare([leak, tested("b", POOR)]).pairs
    assert pair.notes == ("the audit of leak found an error; its figures are not to be used",)


def test_other_training_data_are_said(tested: Any, make_record: Records) -> None:
    here = tested("a", GOOD)
    trained_elsewhere = make_record(data="elsewhere", test_data=make_record().data)
    record = with_parts(trained_elsewhere, data={"fingerprint": "d" * 64})
    (pair,) = compare([here, ComparedRun("b", record, here.scores)]).pairs
    assert pair.notes == ("trained on toy, against elsewhere",)


def test_one_run_is_not_enough() -> None:
    with pytest.raises(BenchError, match="two or more"):
        check_enough(["a"])

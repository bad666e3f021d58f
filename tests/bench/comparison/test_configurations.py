"""Seeds as the unit: grouped by all else, paired where they are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.comparison.configurations import (
    compare_by_seed,
    configuration,
    configurations,
    seed_difference,
)
from bench.comparison.matching import ComparedRun
from bench.errors import BenchError
from bench.scores import Scores
from tests.bench.written_runs import Records, ids_of, with_parts


@pytest.fixture
def runs_of(make_record: Records) -> Any:
    """Makes runs of one algorithm: a mean for each seed, the same spread over 50 episodes."""

    def make(algorithm: str, means: dict[int, float], episodes: int = 50) -> list[ComparedRun]:
        wave = 0.1 * np.sin(np.arange(episodes))
        wave -= wave.mean()
        ids = tuple(ids_of(episodes))
        return [
            ComparedRun(
                f"{algorithm}-{seed}",
                with_parts(make_record(algorithm), training={"seed": seed, "seconds": seed + 0.5}),
                Scores(mean + wave, ids),
            )
            for seed, mean in means.items()
        ]

    return make


A = {0: 0.90, 1: 0.92, 2: 0.91}
B = {0: 0.85, 1: 0.86, 2: 0.865}


def test_runs_that_differ_in_the_seed_alone_are_one_configuration(runs_of: Any) -> None:
    groups = configurations([*runs_of("protonet", A), *runs_of("maml", B)])
    assert [group.seeds for group in groups] == [(0, 1, 2), (0, 1, 2)]
    assert [group.name for group in groups] == ["protonet-0", "maml-0"]


@pytest.mark.parametrize(
    "part",
    [
        {"algorithm": {"parameters": {"lr": 0.5}}},
        {"algorithm": {"source_sha256": "0" * 64}},
        {"training": {"steps": 7}},
        {"data": {"fingerprint": "0" * 64}},
        {"protocol": {"sha256": "0" * 64}},
    ],
    ids=str,
)
def test_whatever_else_differs_makes_another_configuration(
    part: dict[str, Any], make_record: Records
) -> None:
    record = make_record()
    assert configuration(record) != configuration(with_parts(record, **part))


def test_equal_seeds_are_paired_and_others_are_welchs() -> None:
    same, is_paired = seed_difference(A, B)
    assert is_paired
    assert same.p == pytest.approx(stats.ttest_rel([*A.values()], [*B.values()]).pvalue)
    other, is_paired = seed_difference(A, {5: 0.85, 6: 0.86})
    expected = stats.ttest_ind([*A.values()], [0.85, 0.86], equal_var=False)
    assert not is_paired
    assert other.p == pytest.approx(expected.pvalue)


def test_configurations_are_compared_with_seeds_as_the_unit(runs_of: Any) -> None:
    groups = configurations([*runs_of("protonet", A), *runs_of("maml", B)])
    (pair,) = compare_by_seed(groups).pairs
    expected = stats.ttest_rel([*A.values()], [*B.values()])
    assert pair.p == pytest.approx(expected.pvalue)
    assert pair.difference.mean == pytest.approx(0.91 - 0.858333, abs=1e-6)
    assert pair.judgement.verdict == "better"
    assert "paired by seed (3)" in pair.how and "50 common episodes" in pair.how


def test_shorter_lists_bring_all_runs_down_to_the_common_episodes(runs_of: Any) -> None:
    long, short = runs_of("protonet", A, 50), runs_of("maml", B, 30)
    (pair,) = compare_by_seed(configurations([*long, *short])).pairs
    first = float(np.mean([run.scores.values[:30].mean() for run in long]))
    assert pair.means[0] == pytest.approx(first)
    assert "30 common episodes" in pair.how


def test_one_seed_and_a_seed_twice_are_refused(runs_of: Any) -> None:
    with pytest.raises(BenchError, match="one seed has no spread"):
        configurations([*runs_of("protonet", A), *runs_of("maml", {0: 0.8})])
    with pytest.raises(BenchError, match="seed 1 of protonet-0 was given twice"):
        configurations([*runs_of("protonet", A), *runs_of("protonet", {1: 0.8})])

"""Data with a test split alone: who can be run on it, who cannot, and what is said then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.config import RunConfig
from bench.conformance.check import Failed
from bench.conformance.dataset_checks import DatasetSubject, episodes
from bench.errors import BenchError
from bench.extras import is_installed
from bench.finished import reopen
from bench.job import Job, prepare
from bench.registry import Registry
from bench.results import RunRecord, SpecRecord
from bench.runner import Mode, execute
from bench.tasks import CLASSIFICATION
from bench.watcher import Watcher
from tests.bench.protocols.small_data import Alone, Letters, registry_of_small_data


@pytest.fixture(scope="module")
def small() -> Registry:
    return registry_of_small_data()


def silent(done: int, total: int | None) -> None:
    pass


def prepared(small: Registry, algo: str, data: str = "alone", **asked: Any) -> Job:
    return prepare(RunConfig(algo, data, device="cpu", episodes=4, **asked), small, silent)


def run(small: Registry, out: Path, algo: str, **asked: Any) -> tuple[Job, RunRecord]:
    job = prepared(small, algo, out=str(out), **asked)
    return job, execute(job, Mode(), Watcher())


@pytest.mark.parametrize(
    ("algo", "asked"),
    [
        ("pixels", {}),
        ("chance", {}),
        ("protonet", {"steps": 0, "backbone": "conv4-32"}),
        ("simpleshot", {"steps": 0, "backbone": "conv4-32"}),
    ],
)
def test_who_learns_nothing_is_tested_on_it_and_taken_up_again(
    algo: str, asked: dict[str, Any], small: Registry, tmp_path: Path
) -> None:
    job, record = run(small, tmp_path, algo, queries=3, **asked)
    assert record.status == "complete"
    assert record.spec == SpecRecord((1, 8, 8), "uint8", 5, 1, 1, 0)
    assert record.training.steps_done == 0
    assert record.outcome is not None
    assert record.outcome.quality is not None
    assert record.outcome.quality.temperature is None
    finished = reopen(job.folder, small, silent, device="cpu")
    if algo == "simpleshot":
        centre = finished.algorithm.get_buffer("mean").numpy()
        np.testing.assert_array_equal(centre, 0)


def test_any_method_can_be_built_for_it_without_training(small: Registry) -> None:
    built = 0
    for algorithm in small.algorithms.entries.values():
        if CLASSIFICATION in algorithm.tasks and all(map(is_installed, algorithm.requires)):
            job = prepared(small, algorithm.name, steps=0, queries=3, train_ways=5)
            assert job.spec.base_classes == 0
            built += 1
    assert built > 20


def test_the_same_episodes_give_the_same_scores_as_with_a_train_split(
    small: Registry, tmp_path: Path
) -> None:
    """`alone` is the test split of `letters` with another seed; pixels needs no more."""
    _, own = run(small, tmp_path, "pixels", queries=3)
    _, cross = run(small, tmp_path, "pixels", data="letters", queries=3, test_data="alone")
    assert own.outcome is not None
    assert cross.outcome is not None
    assert own.protocol.sha256 == cross.protocol.sha256
    assert own.outcome.mean == cross.outcome.mean


@pytest.mark.parametrize("algo", ["protonet", "maml", "simpleshot"])
def test_who_learns_is_told_in_one_line_what_to_do(algo: str, small: Registry) -> None:
    with pytest.raises(BenchError) as caught:
        prepared(small, algo, train_ways=5)
    told = str(caught.value)
    assert told.startswith(f"alone has classes to test on but none to train on, and {algo} learns")
    for cure in ("--data OTHERS --test-data alone", "--steps 0", "--set data.classes=disjoint"):
        assert cure in told
    assert "\n" not in told


def test_it_can_test_what_was_trained_on_other_data(small: Registry, tmp_path: Path) -> None:
    job, record = run(
        small, tmp_path, "protonet", data="letters", test_data="alone", steps=2, queries=3,
        backbone="conv4-32", validation_episodes=2, train_ways=5, train_queries=2,
    )  # fmt: skip
    assert record.status == "complete"
    assert record.test_data is not None
    assert record.test_data.name == "alone"
    assert job.stream("train").pool.split == "train"


def test_it_conforms_and_a_dataset_that_lacks_only_val_does_not() -> None:
    told = episodes(DatasetSubject(Alone, {"seed": 4}))
    assert told == "5w1s5q episodes; it is for testing alone"
    assert episodes(DatasetSubject(Letters, {"seed": 0})) == "5w1s5q episodes in every split"

    class Halved(Letters):
        """Has no val split."""

        name = "halved"

        def classes(self, files: Any) -> Any:
            return (one for one in super().classes(files) if one.split != "val")

    with pytest.raises(Failed) as caught:
        episodes(DatasetSubject(Halved, {"seed": 0}))
    assert "none in val" in str(caught.value)


def test_without_a_test_split_there_is_nothing_to_do(small: Registry) -> None:
    class Learning(Letters):
        """Has a train split alone."""

        name = "learning"

        def classes(self, files: Any) -> Any:
            return (one for one in super().classes(files) if one.split == "train")

    small.datasets.add(Learning, "learning", "tests")
    with pytest.raises(BenchError, match="learning has no classes in its test split"):
        prepared(small, "pixels", data="learning")

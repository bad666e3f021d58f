"""Whole runs: every kind of protocol, and tests on other data than the training's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.config import RunConfig
from bench.episodes import KINDS, EpisodeProtocol, ProtocolKind
from bench.errors import BenchError
from bench.evaluation import evaluate
from bench.finished import reopen
from bench.firewall import open_test
from bench.job import Job, prepare
from bench.predictions import Predictions
from bench.registry import Registry
from bench.results import PREDICTIONS_FILE, RunRecord
from bench.runner import Mode, execute
from bench.watcher import Watcher
from tests.bench.protocols.small_data import registry_of_small_data


@pytest.fixture(scope="module")
def small() -> Registry:
    return registry_of_small_data()


def prepared(small: Registry, algo: str = "protonet", data: str = "letters", **asked: Any) -> Job:
    config = RunConfig(algo, data, **{"device": "cpu", **asked})
    return prepare(config, small, lambda done, total: None)


def run(small: Registry, out: Path, data: str = "letters", **asked: Any) -> tuple[Job, RunRecord]:
    job = prepared(
        small,
        data=data,
        backbone="conv4-32",
        out=str(out),
        steps=2,
        train_ways=5,
        train_queries=2,
        validation_episodes=2,
        **asked,
    )
    return job, execute(job, Mode(), Watcher())


def size_of(kind: ProtocolKind) -> dict[str, int]:
    """What a user may ask of this kind, on classes of 12 images."""
    if kind.startswith("variable"):
        return {}
    return {"shots": 2} if kind in ("single", "folds") else {"shots": 2, "queries": 3}


class TestKinds:
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_run_of_every_kind_is_recorded_and_can_be_taken_up_again(
        self, kind: ProtocolKind, small: Registry, tmp_path: Path
    ) -> None:
        episodes = {"disjoint": 4, "folds": 5}.get(kind, 6)
        asked: dict[str, Any] = {**size_of(kind), "episodes": episodes, "protocol": kind}
        job, record = run(small, tmp_path, **asked)
        assert record.status == "complete"
        assert record.protocol.kind == kind
        assert record.protocol.id == job.test_protocol.id
        assert f"_{record.protocol.id}_" in job.folder.name
        assert job.validation_protocol.kind == "fixed"
        kept = Predictions.read(job.folder / PREDICTIONS_FILE)
        assert len(kept) == record.protocol.episodes == episodes
        finished = reopen(job.folder, small, lambda done, total: None, device="cpu")
        with open_test("again", episodes):
            stream = finished.job.stream("test")
        assert stream.digest(episodes) == record.protocol.sha256
        again = evaluate(finished.algorithm, stream, episodes, seed=0)
        np.testing.assert_allclose(again.answers, kept.answers, rtol=1e-5)

    def test_the_test_split_alone_has_other_episodes(self, small: Registry) -> None:
        job = prepared(small, protocol="dirichlet", ways=4, shots=2, queries=3)
        assert job.test_protocol == EpisodeProtocol(4, 2, 3, "dirichlet")
        assert job.stream("val").protocol == EpisodeProtocol(4, 2, 3)
        assert job.stream("train").protocol.kind == "fixed"
        assert (job.spec.ways, job.spec.shots) == (4, 2)

    def test_all_disjoint_episodes_are_taken_unless_the_user_asks_for_fewer(
        self, small: Registry
    ) -> None:
        size: dict[str, Any] = {"protocol": "disjoint", "ways": 5, "shots": 1, "queries": 3}
        assert prepared(small, **size).episodes == 12 // 5 * (12 // 4)
        assert prepared(small, **size, episodes=5).episodes == 5
        assert prepared(small, queries=3).episodes == 1000
        with pytest.raises(BenchError, match="--episodes is 7, but the data gives 6 episodes of 5"):
            prepared(small, **size, episodes=7)
        with pytest.raises(BenchError, match="the data gives 1 episodes of 12w1s6q-disjoint"):
            prepared(small, protocol="disjoint", ways=12, shots=1, queries=6)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"protocol": "variabel"}, "--protocol is 'variabel'; did you mean 'variable'"),
    ({"protocol": "variable", "ways": 5}, "--ways is 5, but episodes of --protocol variable have"),
    ({"protocol": "variable-within", "shots": 2}, "--shots is 2, but episodes of --protocol varia"),
    ({"protocol": "variable", "queries": 2}, "--queries is 2, but episodes of --protocol variable"),
    ({"protocol": "single", "queries": 3}, "episodes of --protocol single have one query each"),
    ({"protocol": "folds", "queries": 3}, "episodes of --protocol folds have all images of a fold"),
    (
        {"protocol": "folds", "episodes": 12},
        "--episodes is 12, but with --protocol folds .* of 5, ",
    ),
    ({"protocol": "folds", "ways": 13}, "13 ways, but the test split has 12 classes"),
    ({"protocol": "folds", "shots": 10}, "each fold can leave 9 at most"),
    (
        {"protocol": "folds", "algo": "maml", "train_ways": 5},
        "maml is made for the 12 ways of the test and cannot",
    ),
    (
        {"protocol": "disjoint", "data": "photos", "queries": 3},
        "inputs of the test split come in g",
    ),
    ({"data": "photos", "shots": 5, "queries": 5}, "which stay whole: they cannot be divided into"),
    ({"protocol": "within", "data": "signs", "queries": 3}, "test split have no groups"),
    ({"protocol": "within", "ways": 7, "queries": 3}, "no group of the test split has 7 classes"),
    (
        {"protocol": "variable", "algo": "maml"},
        "--protocol is variable, whose episodes have 5 to 50 ways, but maml is made for one number",
    ),
    (
        {"protocol": "single", "algo": "maml", "data": "lines"},
        "--protocol is single, but lines is regression",
    ),
    ({"test_data": "letters", "queries": 3}, "--test-data is letters, as --data is; leave it out"),
    ({"test_data": "letter", "queries": 3}, "letter"),
    (
        {"test_data": "lines", "queries": 3},
        "--test-data is lines, which is regression, but letters is classification; name data of",
    ),
    (
        {"test_data": "dots", "queries": 3},
        "whose inputs are float32 2, but those of letters are uint8 1x8x8; name data whose",
    ),
    (
        {"test_data": "copies", "queries": 3},
        "an example of class 'testb/7' of the test split of copies is in the train split of lett",
    ),
    (
        {"algo": "maml", "data": "lines", "test_data": "twins"},
        "class 'train0' of the test split of twins is in the train split of lines, too",
    ),
]


@pytest.mark.parametrize(("asked", "complaint"), REFUSED)
def test_what_makes_no_sense_is_refused_in_one_line(
    asked: dict[str, Any], complaint: str, small: Registry
) -> None:
    with pytest.raises(BenchError, match=complaint) as caught:
        prepared(small, **asked)
    assert "\n" not in str(caught.value)


class TestOtherData:
    def test_training_is_on_the_one_and_the_test_on_the_other(
        self, small: Registry, tmp_path: Path
    ) -> None:
        job, record = run(small, tmp_path, test_data="signs", shots=2, queries=3, episodes=6)
        own, _ = run(small, tmp_path / "own", data="signs", shots=2, queries=3, episodes=6)
        assert record.data.name == "letters"
        assert record.test_data is not None
        assert record.test_data.name == record.tested.name == "signs"
        assert job.folder.name.startswith("letters_on_signs_5w2s3q_protonet_")
        with open_test("compare", 6):
            mine, theirs = job.stream("test"), own.stream("test")
        assert mine.digest(6) == theirs.digest(6) == record.protocol.sha256
        assert job.stream("train").pool.fingerprint == job.stream("val").pool.fingerprint
        assert job.stream("val").pool.fingerprint == record.data.fingerprint

    def test_such_a_run_is_reopened_on_the_same_data(self, small: Registry, tmp_path: Path) -> None:
        job, record = run(small, tmp_path, test_data="signs", shots=2, queries=3, episodes=6)
        finished = reopen(job.folder, small, lambda done, total: None, device="cpu")
        with open_test("again", 6):
            stream = finished.job.stream("test")
        assert stream.digest(6) == record.protocol.sha256
        kept = Predictions.read(job.folder / PREDICTIONS_FILE)
        again = evaluate(finished.algorithm, stream, 6, seed=0)
        np.testing.assert_allclose(again.answers, kept.answers, rtol=1e-5)

    def test_the_test_data_is_part_of_a_runs_name_and_its_absence_changes_no_name(
        self, small: Registry
    ) -> None:
        plain, cross = prepared(small, queries=3), prepared(small, queries=3, test_data="signs")
        assert plain.tested.data is plain.data
        assert plain.name.split("_")[-1] != cross.name.split("_")[-1]

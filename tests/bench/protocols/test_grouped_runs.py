"""Whole runs on data whose inputs come in groups, and by folds: trained, kept, sealed, taken up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli.summary import summary
from bench.config import RunConfig
from bench.episodes import EpisodeProtocol, ProtocolKind
from bench.finished import reopen
from bench.firewall import open_test
from bench.job import Job, prepare
from bench.pool import ClassPool
from bench.predictions import Predictions
from bench.protocols.choice import GROUPED
from bench.registry import Registry
from bench.results import PREDICTIONS_FILE, RunRecord
from bench.retesting import TestWishes, prepare_retest
from bench.runner import Mode, execute
from bench.sampling import EpisodeIndices
from bench.sealed import read_sealed
from bench.sealing import draw_sealed
from bench.verification import verify
from bench.watcher import Watcher
from tests.bench.protocols.small_data import registry_of_small_data

SMALL: dict[str, Any] = {"device": "cpu", "backbone": "conv4-32", "steps": 2, "train_queries": 2,
                         "validation_episodes": 2}  # fmt: skip


@pytest.fixture(scope="module")
def small() -> Registry:
    return registry_of_small_data()


def silent(done: int, total: int | None) -> None:
    pass


def run(
    small: Registry, out: Path, algo: str = "protonet", data: str = "letters", **asked: Any
) -> tuple[Job, RunRecord]:
    given = {**SMALL, **asked} if algo == "protonet" else {"device": "cpu", **asked}
    job = prepare(RunConfig(algo, data, out=str(out), **given), small, silent)
    return job, execute(job, Mode(), Watcher())


def crossings(pool: ClassPool, batch: EpisodeIndices) -> int:
    """How many queries have an input of their group in the support."""
    assert pool.input_groups is not None
    found = 0
    for support, query in zip(batch.support, batch.query, strict=True):
        known = set(pool.input_groups[support].tolist())
        found += sum(int(group) in known for group in pool.input_groups[query])
    return found


@pytest.mark.parametrize("kind", GROUPED)
def test_no_episode_of_a_run_crosses_groups_in_training_validation_or_test(
    kind: ProtocolKind, small: Registry, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"queries": 3} if kind not in ("single", "folds") else {}
    job, record = run(
        small, tmp_path, data="photos", shots=2, protocol=kind, episodes=6, train_ways=5, **asked
    )
    assert record.status == "complete"
    assert record.audit is not None
    assert not record.audit.errors
    with open_test("look", 6):
        streams = [job.stream(split) for split in ("train", "val", "test")]
    for stream in streams:
        assert all(crossings(stream.pool, batch) == 0 for batch in stream.batches(6, 3))
    kept = Predictions.read(job.folder / PREDICTIONS_FILE)
    assert kept.groups is not None
    assert len(np.unique(kept.groups)) == 36
    if kind == "folds":
        assert record.protocol.id == "12w2s-3folds"
    verified = verify(job.folder, small, device="cpu")
    assert verified.verdict == "verified"
    names = {figure.name for figure in verified.figures}
    assert ("folds" in names) == (kind == "folds")
    assert "groups of inputs" in names


class TestFolds:
    def test_all_classes_are_asked_twenty_times_over_unless_the_user_says_otherwise(
        self, small: Registry
    ) -> None:
        job = prepare(RunConfig("protonet", "letters", protocol="folds", **SMALL), small, silent)
        assert job.test_protocol == EpisodeProtocol(12, 1, 1, "folds", 5)
        assert job.validation_protocol == EpisodeProtocol(12, 1, 5)
        assert (job.episodes, job.spec.ways) == (100, 12)
        config = replace(job.config, ways=4, episodes=10)
        fewer = prepare(config, small, silent)
        assert (fewer.test_protocol.id, fewer.episodes, fewer.spec.ways) == ("4w1s-5folds", 10, 4)

    def test_the_record_and_the_summary_say_what_was_done(
        self, small: Registry, tmp_path: Path
    ) -> None:
        job, record = run(small, tmp_path, protocol="folds", shots=2, episodes=10)
        outcome = record.outcome
        assert outcome is not None
        assert record.protocol.queries == 0
        assert outcome.queries_per_episode == 12 * 12 / 5
        (interval,) = outcome.intervals
        assert (interval.over, interval.n) == ("images of these classes", 144)
        told = summary(record, job.folder)
        assert "protonet on letters, 12-way 2-shot, 5 folds: " in told
        assert "(95% interval over 144 examples of the same classes)" in told

    def test_a_sealed_file_gives_the_same_run_and_the_same_bytes(
        self, small: Registry, tmp_path: Path
    ) -> None:
        config = RunConfig("", "letters", protocol="folds", shots=2, episodes=10)
        sealed = draw_sealed(config, "test", small, silent)
        file = tmp_path / "folds.sealed"
        file.write_bytes(sealed.content)
        assert read_sealed(file).protocol == EpisodeProtocol(12, 2, 1, "folds", 5)
        asked: dict[str, Any] = {"protocol": "folds", "shots": 2, "episodes": 10}
        _, drawn = run(small, tmp_path / "a", "pixels", **asked)
        job, read = run(small, tmp_path / "b", "pixels", episodes_file=str(file))
        assert read.protocol.sha256 == drawn.protocol.sha256 == sealed.digest()
        assert read.outcome is not None
        assert drawn.outcome is not None
        assert read.outcome.intervals == drawn.outcome.intervals
        finished = reopen(job.folder, small, silent, device="cpu")
        assert finished.job.test_protocol == sealed.protocol

    def test_weights_are_tested_by_folds_afterwards(self, small: Registry, tmp_path: Path) -> None:
        job, _ = run(small, tmp_path, queries=3, episodes=4)
        wishes = TestWishes(protocol="folds", episodes=5)
        retest = prepare_retest(job.folder, small, silent, wishes, out=str(tmp_path), device="cpu")
        record = retest.run(Mode(), Watcher())
        assert record.protocol.id == "12w1s-5folds"
        back = prepare_retest(
            retest.job.folder, small, silent, TestWishes(protocol="fixed", ways=3, queries=2),
            out=str(tmp_path), device="cpu",
        )  # fmt: skip
        assert back.job.test_protocol == EpisodeProtocol(3, 1, 2)

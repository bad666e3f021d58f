"""The runner: the order of its phases, what it records, and folders that are in the way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import filelock
import pandas as pd
import pytest
import torch

from bench.cache import cache_root
from bench.checkpoint import load_weights
from bench.config import RunConfig
from bench.dataset import Split
from bench.errors import BenchError, Busy, Interrupted, RunFailed
from bench.files import sha256_of
from bench.job import Job, prepare
from bench.pool import ClassPool
from bench.registry import load_registry
from bench.results import read_run
from bench.runner import Mode, execute
from bench.stored import CachedDataset
from bench.watcher import Watcher

SMALL = RunConfig(
    algo="protonet",
    data="gaussians",
    steps=6,
    train_ways=5,
    episodes=20,
    validate_every=2,
    validation_episodes=5,
)


def job_for(config: RunConfig, out: Path) -> Job:
    return prepare(replace(config, out=str(out)), load_registry(), lambda done, total: None)


def test_the_test_pool_is_opened_only_when_training_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    original = CachedDataset.pool

    def pool(self: CachedDataset, split: Split) -> ClassPool:
        events.append(split)
        return original(self, split)

    monkeypatch.setattr(CachedDataset, "pool", pool)
    watcher = Watcher(training=lambda progress: events.append(f"step {progress.step}"))
    execute(job_for(SMALL, tmp_path), Mode(), watcher)
    assert events.count("test") == 1
    assert events.index("test") > events.index("step 6")


def test_the_record_holds_what_repeating_the_run_needs(tmp_path: Path) -> None:
    job = job_for(SMALL, tmp_path)
    record = execute(job, Mode(), Watcher())
    assert record == read_run(job.folder)
    assert record.schema == 3
    assert record.data.fingerprint == job.data.fingerprint
    assert record.algorithm.parameters == {"lr": 1e-3}
    assert record.algorithm.parameter_count == 2 * 64 + 64 + 2 * (64 * 64 + 64)  # the MLP's
    assert (record.training.seed, record.protocol.episode_seed) == (0, 0)
    assert {"torch", "numpy", "fewshot-bench"} <= set(record.environment.packages)
    assert {"training", "evaluation"} <= set(record.seconds)
    assert record.peak_memory_bytes["process"] > 10**7
    assert record.outcome is not None
    assert record.outcome.checkpoint_sha256 == sha256_of(job.folder / "checkpoint.safetensors")
    assert record.outcome.episodes_file_sha256 == sha256_of(job.folder / "episodes.csv")
    assert json.loads((job.folder / "run.json").read_text())["schema"] == 3
    assert sorted(p.name for p in job.folder.iterdir()) == [
        "checkpoint.safetensors",
        "episodes.csv",
        "predictions.npz",
        "run.json",
    ]


def test_a_pixel_floor_is_never_trained(tmp_path: Path) -> None:
    steps: list[int] = []
    watcher = Watcher(training=lambda progress: steps.append(progress.step))
    job = job_for(replace(SMALL, algo="pixels"), tmp_path)
    record = execute(job, Mode(), watcher)
    assert steps == []
    assert record.training.steps == 0
    assert load_weights(job.folder / "checkpoint.safetensors", "pixels") == {}


def test_a_stopped_run_is_recorded_and_goes_on_to_the_same_end(tmp_path: Path) -> None:
    whole = job_for(SMALL, tmp_path / "whole")
    execute(whole, Mode(), Watcher())
    job = job_for(SMALL, tmp_path / "halted")
    seen: list[int] = []
    watcher = Watcher(lambda progress: seen.append(progress.step), stop=lambda: len(seen) == 3)
    with pytest.raises(Interrupted, match="step 3 of 6"):
        execute(job, Mode(), watcher)
    assert read_run(job.folder).status == "interrupted"
    with pytest.raises(BenchError, match="--resume"):
        execute(job, Mode(), Watcher())
    assert execute(job, Mode(resume=True), Watcher()).status == "complete"
    for name in ("episodes.csv", "checkpoint.safetensors"):
        assert (job.folder / name).read_bytes() == (whole.folder / name).read_bytes()


def test_a_failed_run_is_recorded_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_for(SMALL, tmp_path)

    def explode(*_: object) -> torch.Tensor:
        raise ValueError("no luck")

    monkeypatch.setattr(job.algorithm, "loss", explode)
    with pytest.raises(RunFailed, match=r"no luck.*test_runner\.py"):
        execute(job, Mode(), Watcher())
    record = read_run(job.folder)
    assert record.status == "failed"
    assert "no luck" in record.error
    assert record.outcome is None


def test_a_cache_that_is_found_damaged_under_way_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    job = job_for(SMALL, tmp_path / "out")
    damaged = job.data.folder / "test.bin"

    def damage(progress: object) -> None:
        damaged.write_bytes(b"")

    with pytest.raises(RunFailed, match=r"test\.bin is missing or truncated"):
        execute(job, Mode(), Watcher(training=damage))
    assert read_run(job.folder).status == "failed"


def test_a_state_that_is_found_damaged_fails_the_run(tmp_path: Path) -> None:
    job = job_for(SMALL, tmp_path)
    seen: list[int] = []
    watcher = Watcher(lambda progress: seen.append(progress.step), stop=lambda: len(seen) == 3)
    with pytest.raises(Interrupted):
        execute(job, Mode(), watcher)
    (job.folder / "training.safetensors").write_bytes(b"damaged")
    with pytest.raises(RunFailed, match="cannot be read"):
        execute(job, Mode(resume=True), Watcher())


def test_a_folder_that_another_process_works_on_is_left_alone(tmp_path: Path) -> None:
    import hashlib

    job = job_for(SMALL, tmp_path)
    name = hashlib.sha256(str(job.folder.resolve()).encode()).hexdigest()[:16]
    (cache_root() / "locks").mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(cache_root() / "locks" / name)
    with lock, pytest.raises(Busy, match="another process"):
        execute(job, Mode(), Watcher())
    with pytest.raises(Interrupted):
        execute(job, Mode(), Watcher(stop=lambda: True))
    before = read_run(job.folder)
    for mode in (Mode(), Mode(resume=True), Mode(force=True)):
        with lock, pytest.raises(Busy, match="another process"):
            execute(job, mode, Watcher())
    assert read_run(job.folder) == before


def test_records_of_two_algorithms_pair_up_episode_by_episode(tmp_path: Path) -> None:
    runs = [job_for(replace(SMALL, algo=name), tmp_path) for name in ("pixels", "protonet")]
    hashes = {execute(job, Mode(), Watcher()).protocol.sha256 for job in runs}
    assert len(hashes) == 1
    first, second = (pd.read_csv(job.folder / "episodes.csv") for job in runs)
    assert (first.episode == second.episode).all()


def test_a_run_on_cuda_agrees_with_one_on_the_cpu(tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no CUDA device")
    accuracies = []
    for device in ("cpu", "cuda"):
        config = replace(SMALL, steps=0, device=device)
        record = execute(job_for(config, tmp_path / device), Mode(), Watcher())
        assert record.outcome is not None
        accuracies.append(record.outcome.mean)
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.005)

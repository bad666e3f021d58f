"""Fixtures of the tests of the harness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import bench.transfer
from bench.algorithm import Algorithm, TrainingPlan
from bench.training import MetaTrainer, Schedule
from tests.bench.file_server import FileServer, file_server
from tests.bench.plugin_files import Write
from tests.bench.trainers import Streams


@pytest.fixture
def make_trainer(tmp_path: Path, make_stream: Streams) -> Callable[..., MetaTrainer]:
    """Makes a trainer of an algorithm on the small pools."""

    def make(
        algorithm: Algorithm,
        plan: TrainingPlan,
        *,
        validate: bool = True,
        every: int = 2,
        checkpoint_every: int = 100,
        seed: int = 0,
    ) -> MetaTrainer:
        return MetaTrainer(
            algorithm,
            plan,
            make_stream(),
            make_stream(split="val", seed=1, classes=20) if validate else None,
            Schedule(every, 3, checkpoint_every),
            seed,
            tmp_path / "state",
        )

    return make


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that is not there yet, for one test."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of Python into a folder of its own."""

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write_file


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server of files on this machine, that is asked again without a pause."""
    monkeypatch.setattr(bench.transfer, "PAUSE", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with file_server() as running:
        yield running

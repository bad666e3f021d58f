"""What all tests share: a cache of their own, small data, and ready-made records."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.algorithm import Algorithm, TaskSpec
from bench.backbones import find_backbone
from bench.dataset import Split
from bench.episodes import EpisodeProtocol
from bench.pool import ClassPool, EpisodeStream
from bench.registry import Registry, load_registry
from bench.results import (
    SCHEMA,
    AlgorithmRecord,
    DataRecord,
    Environment,
    Outcome,
    ProtocolRecord,
    RunRecord,
    TrainingRecord,
)

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def own_cache_and_one_thread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps tests away from the user's cache, and to one core."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # for runs, which else choose by the load
        patch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data: Omniglot's archives and the published split lists."""
    chosen = os.environ.get("BENCH_DATA_ROOT")
    folder = Path(chosen) if chosen else REPOSITORY.parent / "shared" / "data"
    if not (folder / "omniglot-py" / "images_background.zip").exists():
        pytest.skip(
            f"no real data under {folder}; put images_background.zip and images_evaluation.zip of "
            "github.com/brendenlake/omniglot into its folder omniglot-py, or set BENCH_DATA_ROOT"
        )
    return folder


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_registry()


@pytest.fixture(scope="session")
def make_pool() -> Callable[..., ClassPool]:
    """Makes a pool of images: each class is a random pattern, each image that plus noise."""

    def make(
        classes: int = 12, each: int = 8, side: int = 12, split: Split = "train", seed: int = 0
    ) -> ClassPool:
        rng = np.random.default_rng(seed)
        patterns = rng.integers(0, 200, size=(classes, 1, 1, side, side))
        images = patterns + rng.integers(0, 56, size=(classes, each, 1, side, side))
        return ClassPool(
            fingerprint=f"pool-{classes}-{each}-{side}-{seed}",
            split=split,
            classes=tuple(f"class{number:02d}" for number in range(classes)),
            offsets=np.arange(classes + 1, dtype=np.int64) * each,
            inputs=images.reshape(-1, 1, side, side).astype(np.uint8),
        )

    return make


@pytest.fixture(scope="session")
def make_stream(make_pool: Callable[..., ClassPool]) -> Callable[..., EpisodeStream]:
    """Makes a stream of episodes from such a pool."""

    def make(
        ways: int = 3, shots: int = 2, queries: int = 3, stream_seed: int = 0, **pool: Any
    ) -> EpisodeStream:
        protocol = EpisodeProtocol(ways, shots, queries)
        return EpisodeStream(make_pool(**pool), protocol, stream_seed, torch.device("cpu"))

    return make


@pytest.fixture(scope="session")
def build(registry: Registry) -> Callable[..., Algorithm]:
    """Builds an installed algorithm, with the same weights each time."""

    def make(
        name: str,
        backbone: str = "conv4-32",
        ways: int = 3,
        shape: tuple[int, ...] = (1, 12, 12),
        **parameters: Any,
    ) -> Algorithm:
        torch.manual_seed(0)
        spec = TaskSpec(shape, ways, 1, find_backbone(backbone))
        algorithm: Algorithm = registry.algorithm(name)(spec, **parameters)
        return algorithm

    return make


@pytest.fixture(scope="session")
def make_record() -> Callable[..., RunRecord]:
    """Makes the record of a complete run; keywords change fields, of whichever part has them."""
    outcome = Outcome(0.975, 0.0042, 0.03, 200, 75, "a formula", 0.1, "c" * 64, "e" * 64)
    base = RunRecord(
        schema=SCHEMA,
        name="toy_5w1s15q_protonet_01234567",
        status="complete",
        error="",
        started="2026-01-02T03:04:05+00:00",
        command=("bench", "run"),
        config={"algo": "protonet", "set": {}, "backbone": None, "download": True},
        algorithm=AlgorithmRecord(
            "protonet", "metric", "", "x.protonet", {"lr": 0.001}, "conv4", 111936, ""
        ),
        data=DataRecord("toy", "x.toy", {"seed": 0}, "f" * 64),
        protocol=ProtocolRecord("5w1s15q", 5, 1, 15, 200, 0, "a" * 64),
        training=TrainingRecord(3, 100, 1, 5, 1, 15, "cosine", 10, 100, 100, 90, 0.97),
        environment=Environment({"torch": "2"}, "3.11", "Linux", "cpu", 2, 1, "cpu", "", None),
        seconds={"training": 12.3, "evaluation": 1.0},
        peak_memory_bytes={"process": 1},
        outcome=outcome,
    )

    def make(
        algorithm: str = "protonet",
        accuracy: float = 0.975,
        sha256: str = "a" * 64,
        transduction: str = "",
        data: str = "toy",
        **fields: Any,
    ) -> RunRecord:
        record = replace(
            base,
            algorithm=replace(base.algorithm, name=algorithm, transduction=transduction),
            data=replace(base.data, name=data),
            protocol=replace(base.protocol, sha256=sha256),
            outcome=replace(outcome, mean=accuracy),
        )
        return replace(record, **fields)

    return make

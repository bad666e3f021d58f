"""Runs on an episodes file: the same episodes and answers as by seed, for every kind of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bench.config import RunConfig
from bench.episode_ids import relation
from bench.evaluation import evaluate
from bench.firewall import open_test
from bench.job import Job, prepare
from bench.predictions import Predictions
from bench.registry import Registry
from bench.sealing import draw_sealed

PIXELS = RunConfig(algo="pixels", data="gaussians", queries=3, episodes=9)


@dataclass(frozen=True)
class Asked:
    """What a run would be tested on, and what its algorithm answers."""

    job: Job
    sha256: str
    ids: tuple[str, ...]
    predictions: Predictions


def silent(done: int, total: int | None) -> None:
    """Reports nothing."""


def asked(config: RunConfig, registry: Registry) -> Asked:
    job = prepare(config, registry, silent)
    with open_test("test", job.episodes):
        stream = job.stream("test")
    found = evaluate(job.build(), stream, job.episodes, seed=0)
    ids = found.episodes.ids(stream.pool.fingerprint)
    return Asked(job, stream.digest(job.episodes), ids, found)


def sealed_in(path: Path, config: RunConfig, registry: Registry) -> RunConfig:
    """Writes what a run is tested on into a file, and returns a run on that file."""
    path.write_bytes(draw_sealed(config, "test", registry, silent).content)
    return RunConfig(algo=config.algo, data=config.data, episodes_file=str(path))


@pytest.mark.parametrize(
    "config",
    [
        PIXELS,
        replace(PIXELS, ways=4, shots=2, episode_seed=3),
        replace(PIXELS, protocol="dirichlet"),
        replace(PIXELS, protocol="single", queries=None),
        replace(PIXELS, protocol="disjoint"),
        replace(PIXELS, protocol="variable", queries=None),
        replace(PIXELS, algo="support-mean", data="sinusoid", shots=3),
    ],
    ids=lambda config: f"{config.data} {config.protocol} {config.ways}",
)
def test_episodes_of_every_kind_are_the_same_from_a_file_as_by_seed(
    config: RunConfig, registry: Registry, tmp_path: Path
) -> None:
    one = asked(config, registry)
    two = asked(sealed_in(tmp_path / "file", config, registry), registry)
    assert one.job.test_protocol == two.job.test_protocol
    assert one.job.config.episode_seed == two.job.config.episode_seed
    assert (one.sha256, one.ids) == (two.sha256, two.ids)
    assert one.predictions.to_bytes() == two.predictions.to_bytes()
    assert one.job.name != two.job.name


def test_the_first_episodes_of_a_file_are_a_prefix_and_a_run_of_another_name(
    registry: Registry, tmp_path: Path
) -> None:
    config = sealed_in(tmp_path / "file", replace(PIXELS, episodes=30), registry)
    whole, part = asked(config, registry), asked(replace(config, episodes=12), registry)
    by_seed = asked(replace(PIXELS, episodes=12), registry)
    assert len(part.predictions) == 12
    assert relation(part.ids, whole.ids) == "prefix"
    assert part.ids == by_seed.ids
    assert part.sha256 == by_seed.sha256 != whole.sha256
    assert part.job.name != whole.job.name


def test_a_run_is_named_after_the_episodes_in_its_file_not_after_where_it_lies(
    registry: Registry, tmp_path: Path
) -> None:
    one = sealed_in(tmp_path / "one", PIXELS, registry)
    two = sealed_in(tmp_path / "two", PIXELS, registry)
    other = sealed_in(tmp_path / "other", replace(PIXELS, episode_seed=1), registry)
    names = [prepare(config, registry, silent).name for config in (one, two, other)]
    assert names[0] == names[1] != names[2]


def test_training_and_validation_do_not_depend_on_the_file(
    registry: Registry, tmp_path: Path
) -> None:
    job = prepare(sealed_in(tmp_path / "file", PIXELS, registry), registry, silent)
    plain = prepare(PIXELS, registry, silent)
    for split in ("train", "val"):
        assert job.stream(split).digest(20) == plain.stream(split).digest(20)

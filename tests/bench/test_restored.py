"""A run's folder becomes its algorithm again, without data; or says what stands in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench.algorithm import Algorithm
from bench.checkpoint import save_weights
from bench.errors import BenchError
from bench.files import sha256_of, source_digest
from bench.registry import Registry, core_registry
from bench.restored import restore
from bench.results import CHECKPOINT_FILE, RunRecord
from tests.bench.restored_runs import Records, restored

Build = Callable[..., Algorithm]
CPU = torch.device("cpu")


def written(folder: Path, record: RunRecord, algorithm: Algorithm) -> Path:
    """Writes a run's folder."""
    folder.mkdir(parents=True)
    save_weights(folder / CHECKPOINT_FILE, algorithm.name, algorithm.state_dict())
    assert record.outcome is not None
    digest = sha256_of(folder / CHECKPOINT_FILE)
    replace(record, outcome=replace(record.outcome, checkpoint_sha256=digest)).write(folder)
    return folder


@pytest.fixture
def algorithm(build: Build) -> Algorithm:
    made = build("protonet")
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.5)
    return made


def test_the_algorithm_has_the_weights_of_the_checkpoint_and_the_spec_of_the_record(
    algorithm: Algorithm, make_record: Records, registry: Registry, tmp_path: Path
) -> None:
    record = restored(algorithm, make_record).record
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    run = restore(written(tmp_path / "run", record, algorithm), registry, CPU)
    assert torch.equal(torch.rand(2), expected), "random numbers go on as if nothing had been made"
    assert type(run.algorithm) is type(algorithm) and not run.algorithm.training
    assert run.algorithm.spec == algorithm.spec
    for name, tensor in algorithm.state_dict().items():
        assert torch.equal(run.algorithm.state_dict()[name], tensor)
    assert run.changed, "the record's digest of the code is empty"
    same = replace(
        record, algorithm=replace(record.algorithm, source_sha256=source_digest(type(algorithm)))
    )
    assert not restore(written(tmp_path / "same", same, algorithm), registry, CPU).changed


def test_what_stands_in_the_way_is_said_in_one_line(
    algorithm: Algorithm, make_record: Records, registry: Registry, tmp_path: Path
) -> None:
    record = restored(algorithm, make_record).record
    spec = record.spec
    assert spec is not None
    other_weights = replace(record, spec=replace(spec, input_shape=(3, 12, 12)))
    old = replace(record, spec=None)
    parameter = replace(record, algorithm=replace(record.algorithm, parameters={"rate": 1.0}))
    for name, changed, known, why in (
        ("spec", old, registry, "bench evaluate .* --ways 5"),
        ("shape", other_weights, registry, "does not fit this algorithm"),
        ("parameter", parameter, registry, "unexpected keyword argument 'rate'"),
        ("plugin", record, core_registry(), "no algorithm 'protonet'"),
    ):
        folder = written(tmp_path / name, changed, algorithm)
        with pytest.raises(BenchError, match=why):
            restore(folder, known, CPU)
    named = replace(record, command=("bench", "run", "-p", "./mine.py"))
    with pytest.raises(BenchError, match=r"the run got it from \./mine\.py: add -p \./mine\.py"):
        restore(written(tmp_path / "named", named, algorithm), core_registry(), CPU)
    (tmp_path / "named" / CHECKPOINT_FILE).unlink()
    with pytest.raises(BenchError, match="is not there"):
        restore(tmp_path / "named", registry, CPU)


def test_a_package_that_is_missing_is_named(
    algorithm: Algorithm,
    make_record: Records,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(algorithm), "requires", ("no_such_package",))
    folder = written(tmp_path / "run", restored(algorithm, make_record).record, algorithm)
    with pytest.raises(BenchError, match="pip install no_such_package"):
        restore(folder, registry, CPU)

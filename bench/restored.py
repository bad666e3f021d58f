"""Restored runs: the trained algorithm of a finished run, built from its folder alone, no data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from bench.algorithm import Algorithm, TaskSpec
from bench.checkpoint import load_into, load_weights
from bench.errors import BenchError, RunFailed
from bench.extras import EXTRAS, is_installed
from bench.failures import plugin_code
from bench.files import source_digest
from bench.finished import check_known, check_whole, checkpoint_of, read_finished
from bench.registry import Registry
from bench.results import RunRecord, SpecRecord


@dataclass(frozen=True)
class Restored:
    """A finished run's algorithm with its weights, in evaluation mode, on a device.

    `changed` tells whether the plugin's code is no longer that of the run.
    """

    folder: Path
    record: RunRecord
    algorithm: Algorithm
    device: torch.device
    changed: bool

    @property
    def spec(self) -> SpecRecord:
        """What the algorithm was built for."""
        assert self.record.spec is not None  # `restore` refuses records without
        return self.record.spec


def restore(folder: Path, registry: Registry, device: torch.device) -> Restored:
    """Builds the algorithm of a finished run and loads its weights.

    It needs the run's folder and the plugin, and no data.

    Raises:
        BenchError: the run is not complete, its record or checkpoint is altered or missing, the
            record is of a version that did not say what the algorithm was built for, or the plugin
            or a package that it needs is not installed.
    """
    record = read_finished(folder)
    check_whole(folder)
    if record.spec is None:
        raise BenchError(
            f"the record in {folder} does not say what the algorithm was built for, as an earlier "
            f"version of bench wrote it; make a new one with its weights: bench evaluate {folder} "
            f"--ways {record.protocol.ways}"
        )
    check_known(record, registry)
    made = registry.algorithm(record.algorithm.name)
    for package in made.requires:
        if not is_installed(package):
            cure = "bench" if package in EXTRAS else "pip"
            raise BenchError(f"{made.name} needs {package}; install it: {cure} install {package}")
    checkpoint = checkpoint_of(folder, record)
    weights = load_weights(checkpoint, made.name)
    algorithm = _built(made, record, registry)
    load_into(algorithm, weights, checkpoint)
    changed = record.algorithm.source_sha256 != source_digest(made)
    return Restored(folder, record, algorithm.to(device).eval(), device, changed)


def _built(made: type[Algorithm], record: RunRecord, registry: Registry) -> Algorithm:
    spec = record.spec
    assert spec is not None
    chosen = registry.backbone(record.algorithm.backbone) if record.algorithm.backbone else None
    known = TaskSpec(
        spec.input_shape,
        spec.ways,
        spec.shots,
        chosen,
        record.data.task,
        spec.targets,
        spec.base_classes,
    )
    try:
        with (
            torch.random.fork_rng([]),  # first weights are drawn, to be overwritten
            plugin_code(made.name, "being made", "use a machine with more memory"),
        ):
            return made(known, **record.algorithm.parameters)
    except RunFailed as error:
        if isinstance(error.__cause__, ValueError | TypeError):
            raise BenchError(f"{made.name}: {error.__cause__}") from error
        raise

"""Results: one folder per run, with a description, per-episode records and a checkpoint.

This module imports neither torch nor algorithms: results are read on any laptop, in no time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec

from bench.config import TRAIN
from bench.errors import BenchError
from bench.files import write_atomically
from bench.imageform import ImageForm
from bench.measurements import (
    AuditRecord,
    CostRecord,
    CurvePoint,
    IntervalRecord,
    MachineRecord,
    QualityRecord,
    RecipeRecord,
    TestUse,
    VerificationRecord,
)
from bench.parameters import Value
from bench.tasks import ACCURACY, CLASSIFICATION, Task

SCHEMA = 3
RUN_FILE, EPISODES_FILE, PREDICTIONS_FILE, CHECKPOINT_FILE, STATE_FILE = (
    "run.json",
    "episodes.csv",
    "predictions.npz",
    "checkpoint.safetensors",
    "training.safetensors",
)
Status = Literal["running", "complete", "failed", "interrupted"]


@dataclass(frozen=True)
class AlgorithmRecord:
    """Which algorithm, with all its parameters; `transduction` is empty if it is inductive."""

    name: str
    family: str
    paper: str
    plugin: str
    parameters: dict[str, Value]
    backbone: str
    parameter_count: int
    transduction: str
    source_sha256: str = ""


@dataclass(frozen=True)
class DataRecord:
    """Which data; the fingerprint covers pixels, targets, class lists and parameters.

    `form` is what pictures were made into; `reshaped` how they were changed to fit a network, as
    in `from 3x84x84 to 1x28x28`; `remarks` what was left out or noted when they were read.
    """

    name: str
    plugin: str
    parameters: dict[str, Value]
    fingerprint: str
    source_sha256: str = ""
    task: Task = CLASSIFICATION
    form: ImageForm | None = None
    reshaped: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class SpecRecord:
    """What the algorithm was built for, as TaskSpec has it, so that it can be built without data.

    `dtype` is the type of the inputs as they are stored: uint8 for images, float32 for features.
    """

    input_shape: tuple[int, ...]
    dtype: str
    ways: int
    shots: int
    targets: int
    base_classes: int


@dataclass(frozen=True)
class ProtocolRecord:
    """Which test episodes; the sha256 names exactly these, in this order.

    `file_sha256` is that of the sealed file they came from; empty if they were drawn by seed.
    """

    id: str
    ways: int
    shots: int
    queries: int
    episodes: int
    episode_seed: int
    sha256: str
    kind: str = "fixed"
    sampler_version: int = 1
    file_sha256: str = ""


@dataclass(frozen=True)
class TrainingRecord:
    """How the weights came about; `on` names the splits, `curve` has the looks on the way."""

    seed: int
    steps: int
    meta_batch: int
    ways: int
    shots: int
    queries: int
    schedule: str
    validate_every: int
    validation_episodes: int
    steps_done: int = 0
    best_step: int = 0
    best_validation_score: float | None = None
    seconds: float = 0.0
    core_seconds: float = 0.0
    on: str = TRAIN
    curve: tuple[CurvePoint, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came out, over the test episodes: the metric's mean; accuracies are between 0 and 1.

    `half_width` and `formula` are those of the headline interval, over episodes of these images;
    `intervals` has it with its ends, and those over other things.
    """

    mean: float
    half_width: float | None
    std: float
    n: int
    queries_per_episode: float
    formula: str
    loss: float
    checkpoint_sha256: str
    episodes_file_sha256: str
    metric: str = ACCURACY.name
    predictions_file_sha256: str = ""
    intervals: tuple[IntervalRecord, ...] = ()
    quality: QualityRecord | None = None


@dataclass(frozen=True)
class Environment:
    """What it ran on."""

    packages: dict[str, str]
    python: str
    platform: str
    processor: str
    cores: int
    threads: int
    device: str
    git_commit: str
    git_dirty: bool | None


@dataclass(frozen=True)
class RunRecord:
    """All that is needed to read, judge and repeat a run.

    `test_data` is None if it was tested on the data it was trained on; `weights_from` is the
    checkpoint's sha256 if another run trained them.
    """

    schema: int
    name: str
    status: Status
    error: str
    started: str
    command: tuple[str, ...]
    config: dict[str, Value | dict[str, Value] | None]
    algorithm: AlgorithmRecord
    data: DataRecord
    protocol: ProtocolRecord
    training: TrainingRecord
    environment: Environment
    seconds: dict[str, float]
    peak_memory_bytes: dict[str, int]
    outcome: Outcome | None = None
    test_data: DataRecord | None = None
    weights_from: str = ""
    audit: AuditRecord | None = None
    cost: CostRecord | None = None
    machine: MachineRecord | None = None
    verification: VerificationRecord | None = None
    test_uses: tuple[TestUse, ...] = ()
    spec: SpecRecord | None = None
    recipe: RecipeRecord | None = None
    seal: str = ""

    @property
    def tested(self) -> DataRecord:
        """The data that it was tested on: that of the training unless another was asked for."""
        return self.test_data or self.data

    def sealed(self) -> RunRecord:
        """Returns the record with the seal that belongs to it: a hash of everything else."""
        # Through JSON once, as it changes values: whole numbers to floats, infinity to None.
        bare = msgspec.json.decode(msgspec.json.encode(replace(self, seal="")), type=RunRecord)
        return replace(bare, seal=hashlib.sha256(_text(bare)).hexdigest())

    def write(self, folder: Path) -> RunRecord:
        """Writes the description, sealed, into its folder, atomically; returns it as written."""
        sealed = self.sealed()
        write_atomically(folder / RUN_FILE, _text(sealed))
        return sealed


LATER: Mapping[str, tuple[str, ...]] = {
    "": ("spec", "recipe"),
    "data": ("form", "reshaped", "remarks"),
    "test_data": ("form", "reshaped", "remarks"),
    "training": ("core_seconds", "on", "curve"),
}
"""Fields that came after the first sealed records, by part: left out where they say nothing."""


def _text(record: RunRecord) -> bytes:
    content = msgspec.to_builtins(record)
    for name, fields in LATER.items():
        part = (content.get(name) if name else content) or {}
        for field in fields:
            if part.get(field, ...) in (None, 0.0, "", (), [], TRAIN):
                del part[field]
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def seal_of(folder: Path) -> Literal["whole", "broken", "none"]:
    """Tells whether a run's description is, to the byte, as it was written."""
    record = read_run(folder)
    if not record.seal:
        return "none"
    written = (folder / RUN_FILE).read_bytes()
    return "whole" if record.sealed() == record and written == _text(record) else "broken"


def read_run(folder: Path) -> RunRecord:
    """Reads a run's description; raises BenchError if it is damaged or of another schema."""
    path = folder / RUN_FILE
    try:
        content = path.read_bytes()
        schema = msgspec.json.decode(content, type=_Schema).schema
        if schema in (1, 2):
            content = _renewed(content)
        elif schema != SCHEMA:
            raise BenchError(f"{path} has schema {schema}; this version of bench reads {SCHEMA}")
        return msgspec.json.decode(content, type=RunRecord)
    except (OSError, msgspec.MsgspecError) as error:
        raise BenchError(f"{path} cannot be read: {error}") from None


class _Schema(msgspec.Struct):
    schema: int


def _renewed(content: bytes) -> bytes:
    """Returns a record of schema 1, which knew accuracies only, or 2 as one of today's."""
    record = msgspec.json.decode(content)
    names = {"training": ("best_validation_accuracy", "best_validation_score")}
    names["outcome"] = ("accuracy", "mean")
    for part, (old, new) in names.items():
        values = record.get(part)
        if isinstance(values, dict) and old in values:
            values[new] = values.pop(old)
    return msgspec.json.encode(record | {"schema": SCHEMA})


def find_runs(root: Path) -> list[Path]:
    """Returns the folders below `root` that hold a run, sorted by path."""
    return sorted(path.parent for path in root.rglob(RUN_FILE))

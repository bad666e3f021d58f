"""Results: one folder per run, with a description, per-episode records and a checkpoint.

This module imports neither torch nor algorithms: results are read on any laptop, in no time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from bench.errors import BenchError
from bench.files import write_atomically
from bench.parameters import Value
from bench.tasks import ACCURACY, CLASSIFICATION, Task

SCHEMA = 2
RUN_FILE, EPISODES_FILE, CHECKPOINT_FILE, STATE_FILE = (
    "run.json",
    "episodes.csv",
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
    """Which data; the fingerprint covers pixels, targets, class lists and parameters."""

    name: str
    plugin: str
    parameters: dict[str, Value]
    fingerprint: str
    source_sha256: str = ""
    task: Task = CLASSIFICATION


@dataclass(frozen=True)
class ProtocolRecord:
    """Which test episodes; the sha256 names exactly these, in this order."""

    id: str
    ways: int
    shots: int
    queries: int
    episodes: int
    episode_seed: int
    sha256: str


@dataclass(frozen=True)
class TrainingRecord:
    """How the weights came about."""

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


@dataclass(frozen=True)
class Outcome:
    """What came out, over the test episodes: the metric's mean; accuracies are between 0 and 1."""

    mean: float
    half_width: float | None
    std: float
    n: int
    queries_per_episode: int
    formula: str
    loss: float
    checkpoint_sha256: str
    episodes_file_sha256: str
    metric: str = ACCURACY.name


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
    """All that is needed to read, judge and repeat a run."""

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

    def write(self, folder: Path) -> None:
        """Writes the description into its folder, atomically."""
        text = msgspec.json.format(msgspec.json.encode(self), indent=2)
        write_atomically(folder / RUN_FILE, text + b"\n")


def read_run(folder: Path) -> RunRecord:
    """Reads a run's description; raises BenchError if it is damaged or of another schema."""
    path = folder / RUN_FILE
    try:
        content = path.read_bytes()
        schema = msgspec.json.decode(content, type=_Schema).schema
        if schema == 1:
            content = _renewed(content)
        elif schema != SCHEMA:
            raise BenchError(f"{path} has schema {schema}; this version of bench reads {SCHEMA}")
        return msgspec.json.decode(content, type=RunRecord)
    except (OSError, msgspec.MsgspecError) as error:
        raise BenchError(f"{path} cannot be read: {error}") from None


class _Schema(msgspec.Struct):
    schema: int


def _renewed(content: bytes) -> bytes:
    """Returns a record of schema 1, which knew accuracies only, as one of today's."""
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

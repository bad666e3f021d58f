"""RunConfig: what the user asked for. Its fields are the flags of `bench run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.errors import BenchError
from bench.parameters import Value

DATA_PREFIX = "data."
TEST_PREFIX = "test."
"""Before the parameters of `--test-data`."""
TRAIN, TRAIN_AND_VAL = "train", "train+val"
"""What can be trained on; after the latter there is nothing to validate on."""


@dataclass(frozen=True)
class RunConfig:
    """One run as asked for; None means: as the data or the algorithm's training plan say.

    Raises:
        BenchError: a number is out of its range.
    """

    algo: str
    data: str
    ways: int | None = None
    shots: int | None = None
    queries: int | None = None
    protocol: str = "fixed"
    test_data: str | None = None
    resize_test: bool = False
    episodes: int | None = None
    episode_seed: int = 0
    episodes_file: str | None = None
    seed: int = 0
    set: Mapping[str, Value] = field(default_factory=dict)
    backbone: str | None = None
    steps: int | None = None
    meta_batch: int | None = None
    train_ways: int | None = None
    train_shots: int | None = None
    train_queries: int | None = None
    schedule: str | None = None
    train_on: str = TRAIN
    validate_every: int | None = None
    validation_episodes: int = 100
    checkpoint_every: int = 50
    device: str = "auto"
    threads: int = 0
    out: str = "results"
    data_root: str | None = None
    download: bool = True

    def __post_init__(self) -> None:
        if self.train_on not in (TRAIN, TRAIN_AND_VAL):
            raise BenchError(f"--train-on is '{self.train_on}'; write {TRAIN} or {TRAIN_AND_VAL}")
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                flag = name.replace("_", "-")
                raise BenchError(f"--{flag} is {value}; it must be at least {least}")
        for name, most in _MOST.items():
            value = getattr(self, name)
            if value is not None and value > most:
                flag = name.replace("_", "-")
                raise BenchError(f"--{flag} is {value}; it can be at most {most}")

    def algorithm_settings(self) -> dict[str, Value]:
        """Returns the `--set` values meant for the algorithm."""
        return {k: v for k, v in self.set.items() if not k.startswith((DATA_PREFIX, TEST_PREFIX))}

    def data_settings(self) -> dict[str, Value]:
        """Returns the `--set data.key=value` values, without the prefix."""
        return self._beginning(DATA_PREFIX)

    def test_settings(self) -> dict[str, Value]:
        """Returns the `--set test.key=value` values, without the prefix."""
        return self._beginning(TEST_PREFIX)

    def _beginning(self, prefix: str) -> dict[str, Value]:
        return {k.removeprefix(prefix): v for k, v in self.set.items() if k.startswith(prefix)}


_MOST = {
    "episodes": 1_000_000,
    "validation_episodes": 100_000,
    "meta_batch": 10_000,
    "steps": 10**9,
    "threads": 1024,
    "seed": 2**63 - 1,
    "episode_seed": 2**63 - 1,
}
_LEAST = {
    "ways": 2,
    "shots": 1,
    "queries": 1,
    "episodes": 2,
    "episode_seed": 0,
    "seed": 0,
    "steps": 0,
    "threads": 0,
    "meta_batch": 1,
    "train_ways": 2,
    "train_shots": 1,
    "train_queries": 1,
    "validate_every": 1,
    "validation_episodes": 1,
    "checkpoint_every": 1,
}

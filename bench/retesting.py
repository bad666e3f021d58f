"""Retesting: the weights of a finished run on other episodes, or on other data, as a new run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec

from bench.algorithm import Algorithm
from bench.cache import Progress
from bench.checkpoint import load_into, load_weights
from bench.config import DATA_PREFIX, TEST_PREFIX, RunConfig
from bench.errors import BenchError, nearest
from bench.files import sha256_of, write_atomically
from bench.finished import check_whole, config_of, count_use, read_finished
from bench.job import Job, prepare
from bench.parameters import Value, parameters_of
from bench.registry import Registry
from bench.results import CHECKPOINT_FILE, RunRecord
from bench.runner import Mode, execute
from bench.tasks import REGRESSION
from bench.testing import test
from bench.watcher import Clock, Watcher


@dataclass(frozen=True)
class TestWishes:
    """What to test on: as the flags of `bench run`; None means as in the run, or the default.

    The number of episodes is never the run's: it is the default of the protocol.
    """

    __test__ = False  # not a test class of pytest

    ways: int | None = None
    shots: int | None = None
    queries: int | None = None
    protocol: str | None = None
    test_data: str | None = None
    episodes: int | None = None
    episode_seed: int | None = None
    episodes_file: str | None = None
    resize_test: bool | None = None
    set: Mapping[str, Value] | None = None
    """Parameters of the test's data, each with `test.` before its name, and of the algorithm."""

    @property
    def given(self) -> dict[str, str | int]:
        """The wishes that were said, but for the parameters."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: value for name, value in said.items() if name != "set"}


@dataclass(frozen=True)
class Retest:
    """A test that is yet to be done: whose weights, and the job that they are put to."""

    folder: Path
    trained: RunRecord
    job: Job

    def run(self, mode: Mode, watcher: Watcher) -> RunRecord:
        """Tests the weights and writes a run folder; the other run's record counts the test.

        Raises:
            BenchError: the folder holds this test already, or is in use.
            RunFailed: the algorithm failed.
            Interrupted: it was stopped.
        """
        done = execute(self.job, mode, watcher, self._produce)
        tested = [use for use in done.test_uses if use.purpose == "test"]
        count_use(self.folder, replace(tested[-1], purpose="evaluate"))
        return done

    def _produce(self, job: Job, record: RunRecord, clock: Clock, watcher: Watcher) -> RunRecord:
        checkpoint = job.folder / CHECKPOINT_FILE
        write_atomically(checkpoint, (self.folder / CHECKPOINT_FILE).read_bytes())
        algorithm = job.build()
        load_into(algorithm, load_weights(checkpoint, algorithm.name), checkpoint)
        clock.seconds["training"] = self.trained.training.seconds
        known = replace(
            record,
            training=self.trained.training,
            weights_from=job.weights_from,
            recipe=self.trained.recipe,
            test_uses=(*self.trained.test_uses, *record.test_uses),
        )
        return test(job, algorithm, known, clock, watcher)


def prepare_retest(
    folder: Path,
    registry: Registry,
    progress: Progress,
    wishes: TestWishes,
    *,
    out: str,
    data_root: str | None = None,
    device: str = "auto",
) -> Retest:
    """Looks up everything that a test of a run's weights needs, and checks that it fits.

    Raises:
        BenchError: the run is not complete, its checkpoint is missing or altered, or the wishes
            do not fit the algorithm or the data.
    """
    record = read_finished(folder)
    check_whole(folder)
    checkpoint = folder / CHECKPOINT_FILE
    if not checkpoint.is_file():
        raise BenchError(f"{checkpoint} is not there, so there is nothing to test; redo the run")
    digest = sha256_of(checkpoint)
    if record.outcome and digest != record.outcome.checkpoint_sha256:
        raise BenchError(f"{checkpoint} is not what the run wrote; redo the run with --force")
    algorithm, ways = registry.algorithm(record.algorithm.name), record.protocol.ways
    if wishes.ways not in (None, ways) and not algorithm.any_way:
        raise BenchError(
            f"--ways is {wishes.ways}, but {algorithm.name} was made for {ways} ways in this run; "
            f"train one for others: bench run --ways {wishes.ways}"
        )
    config = replace(
        _tested_as(_trained_as(config_of(record, folder), record), wishes, algorithm),
        out=out,
        device=device,
        data_root=data_root or config_of(record, folder).data_root,
    )
    job = replace(prepare(config, registry, progress), weights_from=record.weights_from or digest)
    if job.data.fingerprint != record.data.fingerprint:
        raise BenchError(f"{record.data.name} is no longer the data of {folder}; redo the run")
    return Retest(folder, record, job)


def _trained_as(config: RunConfig, record: RunRecord) -> RunConfig:
    """Returns a configuration that says of the training what was done, whatever is tested."""
    training = record.training
    return replace(
        config,
        steps=training.steps,
        meta_batch=training.meta_batch,
        train_ways=None if record.data.task == REGRESSION else training.ways,
        train_shots=training.shots,
        train_queries=training.queries,
        schedule=training.schedule,
        validate_every=training.validate_every,
    )


def _tested_as(config: RunConfig, wishes: TestWishes, algorithm: type[Algorithm]) -> RunConfig:
    """Returns a configuration with other wishes of the test; sizes stay unless they would clash."""
    fresh: dict[str, object] = {"episodes": None, "episodes_file": None}
    if wishes.test_data is not None:
        fresh["resize_test"] = False
        fresh["set"] = {k: v for k, v in config.set.items() if not k.startswith(TEST_PREFIX)}
    of_data = [name for name in wishes.set or {} if name.startswith(TEST_PREFIX)]
    for name in wishes.set or {}:
        if name not in of_data:
            _check_of_test(name, algorithm)
    if wishes.set:
        fresh["set"] = {**config.set, **wishes.set}
    if wishes.episodes_file:
        fresh |= {"protocol": "fixed", "test_data": None}
    if wishes.episodes_file or (wishes.protocol or config.protocol).startswith("variable"):
        fresh |= dict.fromkeys(("ways", "shots", "queries"))
    if wishes.protocol in ("single", "folds"):
        fresh["queries"] = None
    if wishes.protocol == "folds" and algorithm.any_way:
        fresh["ways"] = None  # all classes
    if wishes.test_data == config.data and of_data:
        raise BenchError(
            f"--test-data is {config.data}, which the run was trained on: there its parameters are "
            "those of the training, or classes of the training would be in the test; leave out "
            "--set; --protocol folds alone cross-validates on the test classes"
        )
    if wishes.test_data == config.data:  # back to the data of the training
        fresh["test_data"], wishes = None, replace(wishes, test_data=None)
    return msgspec.convert({**asdict(config), **fresh, **wishes.given}, RunConfig)


def _check_of_test(name: str, algorithm: type[Algorithm]) -> None:
    """Raises BenchError unless a parameter is one of those that only the test reads."""
    if name in algorithm.test_parameters:
        return
    if name.startswith(DATA_PREFIX):
        raise BenchError(
            f"--set {name}: the data of the training stay; those of the test can be set, such as "
            f"--set {TEST_PREFIX}{name.removeprefix(DATA_PREFIX)}"
        )
    own = [parameter.name for parameter in parameters_of(algorithm)]
    if name not in own:
        raise BenchError(
            f"--set {name}: {algorithm.name} has no parameter '{name}'; "
            f"{nearest(name, algorithm.test_parameters)} (these a test of finished weights may "
            f"set, and those of the test's data: --set {TEST_PREFIX}NAME=VALUE)"
        )
    known = ", ".join(algorithm.test_parameters) or "none"
    raise BenchError(
        f"--set {name}: {algorithm.name} was trained with the {name} that it has; a test of "
        f"finished weights may set {known} of its parameters, and those of the test's data, such "
        f"as --set {TEST_PREFIX}NAME=VALUE"
    )

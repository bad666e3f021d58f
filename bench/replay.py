"""Replay: the command that does a run again, and what to expect of it.

The command is made from the record, not from the arguments that were given: it names every value,
defaults included, so that it means the same when defaults have changed. Imports no torch.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.comparison.rope import margin, size_of, words
from bench.config import DATA_PREFIX, TEST_PREFIX
from bench.errors import BenchError
from bench.parameters import Value
from bench.results import RUN_FILE, DataRecord, Environment, RunRecord, read_run
from bench.sealed import KEPT_AS
from bench.tasks import METRICS

Likeness = Literal["same", "within tolerance", "differs"]
PROTOCOL_FLAGS = ("ways", "shots", "queries", "protocol", "episode_seed")
"""What a file of sealed episodes says by itself."""


@dataclass(frozen=True)
class Comparison:
    """One thing that two runs of the same command were compared by."""

    what: str
    earlier: str
    now: str
    verdict: Likeness


def command_of(
    folder: Path, record: RunRecord, out: str, data_root: str | None = None
) -> tuple[str, ...]:
    """Returns the words of the command that does a run again, into the folder `out`.

    Raises:
        BenchError: the run only tested the weights of another one, which is not beside it.
    """
    root = data_root or record.config.get("data_root")
    places: dict[str, Value | None] = {"out": out, "data_root": str(root) if root else None}
    if record.weights_from:
        return _evaluate(folder, record, places)
    found = ["bench", "run", *_flags(_values(folder, record) | places)]
    if record.config.get("download") is False:
        found.append("--no-download")
    if record.config.get("resize_test"):
        found.append("--resize-test")
    parameters = record.algorithm.parameters | _settings(DATA_PREFIX, record.data)
    if record.test_data:
        parameters |= _settings(TEST_PREFIX, record.test_data)
    return (*found, *_assignments(parameters), *_plugins(record))


def _evaluate(folder: Path, record: RunRecord, places: dict[str, Value | None]) -> tuple[str, ...]:
    """Returns the words of the `bench evaluate` that tests the same weights again."""
    trained_in, trained = _training_of(folder, record)
    values = _values(folder, record)
    given = {name: values[name] for name in (*PROTOCOL_FLAGS, "episodes", "device")}
    if values["episodes_file"]:
        given |= dict.fromkeys(PROTOCOL_FLAGS)
        given["episodes_file"] = values["episodes_file"]
    parameters = {
        name: value
        for name, value in record.algorithm.parameters.items()
        if trained.algorithm.parameters.get(name, value) != value
    }
    found = ["bench", "evaluate", str(trained_in)]
    if record.test_data:
        given["test_data"] = values["test_data"]
        parameters |= _settings(TEST_PREFIX, record.test_data)
    elif trained.test_data:  # it went back to the data of the training
        given["test_data"] = values["data"]
    found += _flags(given | places)
    if record.config.get("resize_test"):
        found.append("--resize-test")
    return (*found, *_assignments(parameters), *_plugins(record))


def _training_of(folder: Path, record: RunRecord) -> tuple[Path, RunRecord]:
    """Returns the run beside a folder whose checkpoint it tested; raises BenchError for none."""
    for path in sorted(folder.absolute().parent.glob(f"*/{RUN_FILE}")):
        with suppress(BenchError):  # a damaged neighbour is another matter
            other = read_run(path.parent)
            made = other.outcome and other.outcome.checkpoint_sha256
            if made == record.weights_from and not other.weights_from:
                return folder.parent / path.parent.name, other
    raise BenchError(
        f"{folder} tested weights that another run trained (their sha256 begins with "
        f"{record.weights_from[:12]}), and no run beside it has them; put its folder there, or "
        f"replay that one, then: {shlex.join(record.command)}"
    )


def _flags(values: Mapping[str, Value | None]) -> Iterator[str]:
    for name, value in values.items():
        if value is not None:
            yield from (f"--{name.replace('_', '-')}", str(value))


def _assignments(parameters: Mapping[str, Value]) -> Iterator[str]:
    for name, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        yield from ("--set", f"{name}={text}")


def _plugins(record: RunRecord) -> Iterator[str]:
    for plugin in plugins_of(record):
        yield from ("-p", plugin)


def _settings(prefix: str, data: DataRecord) -> dict[str, Value]:
    """Returns the parameters of data as `--set` takes them; the path follows the data's name."""
    return {prefix + name: value for name, value in data.parameters.items() if name != "path"}


def plugins_of(record: RunRecord) -> tuple[str, ...]:
    """Returns the plugins that were given with `-p`, as they were given."""
    words_given = iter(record.command)
    found = []
    for word in words_given:
        if word in ("-p", "--plugin"):
            found.append(next(words_given, ""))
        elif word.startswith("--plugin="):
            found.append(word.removeprefix("--plugin="))
        elif word.startswith("-p") and not word.startswith("--"):
            found.append(word.removeprefix("-p"))
    return tuple(filter(None, found))


def changes(then: Environment, now: Environment) -> Iterator[str]:
    """Yields how this environment differs from that of a run, a line each."""
    if then.git_commit != now.git_commit:
        yield f"git commit {then.git_commit[:12] or 'unknown'} then, {_commit(now)} now"
    if then.git_dirty:
        yield "the code then had changes that no commit holds"
    for name in sorted(then.packages | now.packages):
        versions = [e.packages.get(name, "none") for e in (then, now)]
        if versions[0] != versions[1]:
            yield f"{name} {versions[0]} then, {versions[1]} now"
    for what in ("python", "platform", "processor"):
        one, other = getattr(then, what), getattr(now, what)
        if one != other:
            yield f"{what} {one} then, {other} now"
    if then.threads > now.cores:
        yield f"{then.threads} threads then, but {now.cores} cores now"


def compare(earlier: RunRecord, now: RunRecord) -> tuple[Comparison, ...]:
    """Compares two runs of one command by weights, episodes, and mean.

    Weights that came out otherwise are no failure if the mean is within the region of practical
    equivalence: rounding differs from machine to machine, and training amplifies it.
    """
    if earlier.outcome is None or now.outcome is None:
        raise BenchError(f"{now.name} did not come to its end: {now.status}")
    metric = METRICS[earlier.outcome.metric]
    means = earlier.outcome.mean, now.outcome.mean
    size = size_of(metric, None)
    near = abs(means[0] - means[1]) <= margin(metric, size, *means)
    hashes = earlier.outcome.checkpoint_sha256, now.outcome.checkpoint_sha256
    lists = earlier.protocol.sha256, now.protocol.sha256
    rows = earlier.outcome.episodes_file_sha256, now.outcome.episodes_file_sha256
    far: Likeness = "within tolerance" if near else "differs"
    return (
        Comparison("name", earlier.name, now.name, _verdict(earlier.name == now.name, "differs")),
        Comparison("list of episodes", *_short(lists), _verdict(lists[0] == lists[1], "differs")),
        Comparison("checkpoint", *_short(hashes), _verdict(hashes[0] == hashes[1], far)),
        Comparison("episodes.csv", *_short(rows), _verdict(rows[0] == rows[1], far)),
        Comparison(
            f"mean (tolerance {words(metric, size)})",
            metric.text(means[0]),
            metric.text(means[1]),
            _verdict(means[0] == means[1], far),
        ),
    )


def _values(folder: Path, record: RunRecord) -> dict[str, Value | None]:
    """Returns the flags that take one value each; None is left out."""
    config, protocol, training = record.config, record.protocol, record.training
    given = {name: value for name, value in config.items() if not isinstance(value, Mapping)}
    values: dict[str, Value | None] = {
        "algo": record.algorithm.name,
        "data": given.get("data", record.data.name),
        "test_data": given.get("test_data"),
        "protocol": protocol.kind,
        # None where each episode has its own
        "ways": protocol.ways if protocol.ways > 1 else None,
        "shots": protocol.shots or None,
        "queries": protocol.queries if protocol.kind not in ("single", "folds") else None,
        "episodes": protocol.episodes,
        "episode_seed": protocol.episode_seed,
        "episodes_file": _episodes_file(folder, given.get("episodes_file")),
        "seed": training.seed,
        "backbone": record.algorithm.backbone or None,
        # what is never trained is recorded with no steps, whatever its plan says
        "steps": training.steps or given.get("steps"),
        "meta_batch": training.meta_batch,
        "train_ways": training.ways if training.ways > 1 else None,
        "train_shots": training.shots,
        "train_queries": training.queries,
        "schedule": training.schedule,
        "train_on": training.on,
        "validate_every": training.validate_every,
        "validation_episodes": training.validation_episodes,
        "checkpoint_every": given.get("checkpoint_every"),
        "device": record.environment.device.split()[0],
        "threads": record.environment.threads,
    }
    values["queries"] = values["queries"] or None
    if values["episodes_file"]:
        values |= {name: given.get(name) for name in PROTOCOL_FLAGS}
    return values


def _episodes_file(folder: Path, given: Value | None) -> str | None:
    """Returns the file of sealed episodes: the copy that the run kept, if it has one."""
    kept = folder / KEPT_AS
    return str(kept) if given and kept.is_file() else given and str(given)  # type: ignore[return-value]  # a text or None


def _commit(environment: Environment) -> str:
    dirty = " with changes" if environment.git_dirty else ""
    return (environment.git_commit[:12] or "unknown") + dirty


def _short(pair: tuple[str, str]) -> tuple[str, str]:
    return pair[0][:12], pair[1][:12]


def _verdict(same: bool, otherwise: Likeness) -> Likeness:
    return "same" if same else otherwise

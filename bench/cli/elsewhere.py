"""Tests elsewhere: the weights of a run on one dataset after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.stopping import stop_on_signal
from bench.cli.summary import summary
from bench.config import TEST_PREFIX, RunConfig
from bench.errors import BenchError
from bench.parameters import Value

if TYPE_CHECKING:
    from bench.registry import Registry
    from bench.results import RunRecord
    from bench.retesting import TestWishes


@dataclass(frozen=True)
class Place:
    """Where results go, where data are, and on which device to compute."""

    out: str
    data_root: str | None
    device: str


@dataclass(frozen=True)
class Others:
    """Datasets to test on besides that of a run, and what was said of them."""

    names: tuple[str, ...] = ()
    resize: bool = False
    settings: Mapping[str, Value] = field(default_factory=dict)


def first_and_others(values: dict[str, Any], places: tuple[str, ...]) -> tuple[RunConfig, Others]:
    """Returns the run that trains and tests, and what is then tested with its weights.

    The run is tested on its own data if that is among several `places`, else on the first.

    Raises:
        BenchError: a place is named twice, or a value is out of its range.
    """
    if len(set(places)) < len(places):
        raise BenchError(f"--test-data is {' and '.join(places)}; name each once")
    config = RunConfig(**values, test_data=places[0] if places else None)
    settings = {k: v for k, v in config.set.items() if k.startswith(TEST_PREFIX)}
    others = Others(places[1:], config.resize_test, settings)
    if len(places) > 1 and config.data in places:
        rest = {k: v for k, v in config.set.items() if k not in settings}
        config = replace(config, test_data=None, resize_test=False, set=rest)
        others = replace(others, names=tuple(p for p in places if p != config.data))
    return config, others


def test_elsewhere(
    folder: Path,
    registry: Registry,
    names: Sequence[str | None],
    wishes: TestWishes,
    place: Place,
    *,
    force: bool = False,
    skip_done: bool = False,
) -> list[RunRecord]:
    """Tests a run's weights on each of these datasets, prints a summary of each, returns records.

    None stands for the data that the run was tested on. With `skip_done` a test that is there
    already is read instead of refused.
    """
    from bench.cli.progress import bars
    from bench.results import read_run
    from bench.retesting import prepare_retest
    from bench.runner import Mode, is_complete
    from bench.watcher import Watcher

    records = []
    for name in names:
        wanted = replace(wishes, test_data=name)
        with bars() as shown, stop_on_signal() as stop:
            retest = prepare_retest(
                folder,
                registry,
                shown.dataset,
                wanted,
                out=place.out,
                data_root=place.data_root,
                device=place.device,
            )
            if skip_done and not force and is_complete(retest.job.folder):
                record = read_run(retest.job.folder)
            else:
                watcher = Watcher(evaluation=shown.evaluation, stop=stop)
                record = retest.run(Mode(force=force), watcher)
        click.echo(summary(record, retest.job.folder))
        records.append(record)
    return records

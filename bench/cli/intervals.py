"""`bench intervals`: what a run's mean would do under other episodes, images, classes, seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from bench.cli.loading import load_plugins
from bench.cli.options import data_root_option, debug_option, device_option, plugin_option
from bench.cli.table import table
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.algorithm import EmbeddingLearner
    from bench.measurements import IntervalRecord
    from bench.registry import Registry
    from bench.statistics.kept import RunIntervals, SeedIntervals
    from bench.tasks import Metric


@click.command
@click.argument(
    "runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN [RUN...]"
)
@click.option(
    "--bootstrap",
    type=click.IntRange(20),
    metavar="TIMES",
    help="Also draw the test classes again, so many times (200 is good), and test on them.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with shares rather than %.")
@device_option
@data_root_option
@plugin_option
@debug_option
def command(
    runs: tuple[Path, ...],
    bootstrap: int | None,
    as_json: bool,
    device: str,
    data_root: str | None,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Show how sure the mean of each RUN, a run's folder, is, and of what.

    Each 95% interval says what is thought to vary: the episodes, the images, the classes. Runs
    that differ in nothing but the training seed get intervals over seeds as well.

    All of this follows from the records. --bootstrap needs weights and data, and a method that
    embeds each image once.
    """
    from bench.statistics.kept import intervals_of, seed_intervals

    found = [intervals_of(folder) for folder in runs]
    if bootstrap:
        found = _with_bootstrap(found, bootstrap, load_plugins(plugin), data_root, device)
    seeds, why = None, ""
    if len(found) > 1:
        try:
            seeds = seed_intervals(found)
        except BenchError as error:
            why = f"no interval over seeds: {error}"
    if as_json:
        click.echo(json.dumps(_plain(found, seeds, why), indent=2))
        return
    click.echo("\n\n".join(_report(run) for run in found))
    if seeds:
        click.echo(f"\n{_seeds_report(seeds, found[0].metric)}")
    elif why:
        click.echo(f"\n{why}")


def _with_bootstrap(
    found: Sequence[RunIntervals],
    times: int,
    registry: Registry,
    data_root: str | None,
    device: str,
) -> list[RunIntervals]:
    """Returns the runs with an interval more, over classes that are drawn again."""
    from bench.classbootstrap import class_bootstrap, interval
    from bench.cli.progress import bars
    from bench.finished import count_use, reopen
    from bench.firewall import open_test
    from bench.runner import set_up_process
    from bench.testing import bases_of

    set_up_process(None)
    more = []
    with bars() as shown:
        for run in found:
            finished = reopen(
                run.folder, registry, shown.dataset, data_root=data_root, device=device
            )
            with open_test("class bootstrap", times) as use:
                stream, bases = finished.job.stream("test"), bases_of(finished.job)
            algorithm = cast("EmbeddingLearner", finished.algorithm)
            drawn = class_bootstrap(algorithm, stream, bases, times, shown.evaluation)
            count_use(run.folder, use)
            record = interval(run.mean, drawn, len(set(bases.tolist())))
            more.append(replace(run, intervals=(*run.intervals, record)))
    return more


def _report(run: RunIntervals) -> str:
    """Returns the mean, a row per interval, what the headline leaves out, and the notes."""
    from bench.statistics.intervals import doubt, headline

    record, metric = run.record, run.metric
    lines = [
        f"{record.algorithm.name} on {record.tested.name}, {record.protocol.id}, training seed "
        f"{record.training.seed}: {headline(run.mean, run.intervals, metric)}"
    ]
    if run.intervals:
        lines += ["", _table(run.intervals, metric)]
    caution = doubt(run.intervals, metric)
    lines += ["", caution] if caution else []
    return "\n".join([*lines, *run.notes])


def _seeds_report(seeds: SeedIntervals, metric: Metric) -> str:
    from bench.statistics.intervals import interval_text

    spread = f"{metric.factor * seeds.std:.{metric.places}f}"
    title = (
        f"training seeds {', '.join(map(str, sorted(seeds.seeds)))}: "
        f"{interval_text(seeds.mean, seeds.intervals[0], metric)} "
        f"(95% interval over {len(seeds.seeds)} seeds; their standard deviation is {spread})"
    )
    return f"{title}\n\n{_table(seeds.intervals, metric)}"


def _table(records: Sequence[IntervalRecord], metric: Metric) -> str:
    from bench.statistics.intervals import MEANINGS

    def number(value: float) -> str:
        return f"{metric.factor * value:.{metric.places}f}"

    rows = [
        {
            "what varies": MEANINGS.get(record.over, record.over),
            "±": number(record.half_width),
            "from": number(record.low),
            "to": number(record.high),
            "n": record.n,
            "formula": record.formula,
        }
        for record in records
    ]
    return table(rows, wrapped=("what varies", "formula"))


def _plain(
    runs: Sequence[RunIntervals], seeds: SeedIntervals | None, why: str
) -> dict[str, object]:
    """Returns all as JSON takes it."""
    from bench.statistics.intervals import doubt

    def records(found: Sequence[IntervalRecord]) -> list[dict[str, object]]:
        return [
            {
                "over": record.over,
                "half_width": record.half_width,
                "low": record.low,
                "high": record.high,
                "n": record.n,
                "formula": record.formula,
            }
            for record in found
        ]

    plain: dict[str, object] = {
        "runs": [
            {
                "run": str(run.folder),
                "metric": run.metric.name,
                "mean": run.mean,
                "episodes": len(run.scores),
                "seed": run.record.training.seed,
                "intervals": records(run.intervals),
                "doubt": doubt(run.intervals, run.metric),
                "notes": list(run.notes),
            }
            for run in runs
        ]
    }
    if seeds:
        plain["seeds"] = {
            "seeds": list(seeds.seeds),
            "mean": seeds.mean,
            "std": seeds.std,
            "intervals": records(seeds.intervals),
        }
    elif why:
        plain["why no seeds"] = why
    return plain

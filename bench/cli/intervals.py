"""`bench intervals`: what a run's mean would do under other episodes, images, classes, seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import debug_option
from bench.cli.table import table
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.measurements import IntervalRecord
    from bench.statistics.kept import RunIntervals, SeedIntervals
    from bench.tasks import Metric


@click.command
@click.argument(
    "runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN [RUN...]"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with shares rather than %.")
@debug_option
def command(runs: tuple[Path, ...], as_json: bool, debug: bool) -> None:
    """Show how sure the mean of each RUN, a run's folder, is, and of what.

    Each 95% interval says what is thought to vary: the episodes, the images, the classes. Runs
    that differ in nothing but the training seed get intervals over seeds as well.
    """
    from bench.statistics.kept import intervals_of, seed_intervals

    found = [intervals_of(folder) for folder in runs]
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
        f"training seeds {', '.join(map(str, seeds.seeds))}: "
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

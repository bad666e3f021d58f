"""`bench instances`: accuracy by instance number, of a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import data_root_option, debug_option, device_option, plugin_option
from bench.cli.table import table
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.instances import InstanceCurve

FILE = "instances.csv"
"""What is left in the run's folder: a row per stream and instance number."""


@click.command
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--streams", type=click.IntRange(2), default=500, show_default=True, help="Test streams."
)
@click.option(
    "--instances",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="How many images of each class a stream has.",
)
@device_option
@data_root_option
@plugin_option
@debug_option
def command(
    run: Path,
    streams: int,
    instances: int,
    device: str,
    data_root: str | None,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Show how well a method that reads streams knows a class at its 1st, 2nd, ... instance.

    RUN is the folder of a finished run. In a stream of its test classes, in random order, every
    image is predicted from those before it and their labels. The first instance of a class can
    only be guessed. Leaves instances.csv in the folder.
    """
    from bench.cli.progress import bars
    from bench.files import write_atomically
    from bench.finished import count_use, read_finished, reopen
    from bench.instances import check_reads_streams, curve_of
    from bench.runner import set_up_process

    record = read_finished(run)
    registry = load_plugins(plugin)
    check_reads_streams(registry.algorithm(record.algorithm.name))
    set_up_process(None)
    with bars() as shown:
        finished = reopen(run, registry, shown.dataset, data_root=data_root, device=device)
        for name in finished.changed:
            click.echo(f"bench: the code of {name} has changed since this run", err=True)
        curve = curve_of(finished, streams, instances, shown.evaluation)
    if curve.use:
        count_use(run, curve.use)
    click.echo(
        f"{record.algorithm.name} on {record.data.name}, streams of {record.protocol.ways} classes "
        f"(95% intervals over {streams} streams)"
    )
    click.echo(_table(curve))
    ways = record.protocol.ways
    best = sum(1 / left for left in range(1, ways + 1)) / ways
    click.echo(
        f"instance 1 can only be guessed: {100 / ways:.1f}% by chance, at most {100 * best:.1f}% "
        "by leaving out the classes that have come"
    )
    try:
        write_atomically(run / FILE, curve.csv())
    except OSError as error:
        raise BenchError(f"cannot write {run / FILE} ({error.strerror or error})") from error
    click.echo(f"written: {run / FILE}")


def _table(curve: InstanceCurve) -> str:
    from bench.tasks import ACCURACY

    return table(
        [
            {"instance": number, "accuracy": ACCURACY.text(interval.mean, interval.half_width)}
            for number, interval in enumerate(curve.intervals(), 1)
        ],
        wrapped=(),
    )

"""`bench evaluate`: the weights of a finished run, tested on other episodes or other data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.loading import load_plugins
from bench.cli.options import (
    complete_names,
    data_root_option,
    debug_option,
    device_option,
    plugin_option,
)
from bench.cli.run import stop_on_signal
from bench.cli.summary import check_counts, summary
from bench.errors import BenchError


@click.command
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--ways", type=int, help="Classes per test episode. [default: the run's]")
@click.option("--shots", type=int, help="Known examples per class. [default: the run's]")
@click.option("--queries", type=int, help="Queries per class. [default: the run's]")
@click.option("--protocol", metavar="KIND", help="How episodes are drawn. [default: the run's]")
@click.option(
    "--test-data",
    metavar="NAME",
    shell_complete=complete_names,
    help="A dataset to test on. [default: the run's]",
)
@click.option("--episodes", type=int, help="Test episodes. [default: 1000, or all there are]")
@click.option("--episode-seed", type=int, help="Seed of the test episodes. [default: the run's]")
@click.option("--episodes-file", metavar="FILE", help="Test on the episodes of a sealed file.")
@click.option(
    "--out", default="results", show_default=True, metavar="DIR", help="Where run folders go."
)
@data_root_option
@device_option
@click.option("--force", is_flag=True, help="Redo a test that is there already.")
@plugin_option
@debug_option
def command(
    run: Path,
    out: str,
    data_root: str | None,
    device: str,
    force: bool,
    plugin: tuple[str, ...],
    debug: bool,
    **wishes: Any,
) -> None:
    """Test the weights of the run in folder RUN on other episodes, or on other data.

    Nothing is trained. The result is a run folder of its own, which names the checkpoint; the
    record of RUN counts one more use of the test data.

    \b
    Examples:
      bench evaluate results/RUN --shots 5
      bench evaluate results/RUN --test-data glyphs
      bench evaluate results/RUN --protocol dirichlet
    """
    registry = load_plugins(plugin)
    from bench.cli.progress import bars
    from bench.finished import read_finished
    from bench.retesting import TestWishes, prepare_retest
    from bench.runner import Mode, set_up_process
    from bench.watcher import Watcher

    read_finished(run)
    if not any(value is not None for value in wishes.values()):
        raise BenchError(
            "name what to test on, such as --shots 5, --protocol dirichlet or --test-data NAME; "
            "to test on the same episodes again: bench verify"
        )
    set_up_process(None)
    with bars() as shown, stop_on_signal() as stop:
        retest = prepare_retest(
            run,
            registry,
            shown.dataset,
            TestWishes(**wishes),
            out=out,
            data_root=data_root,
            device=device,
        )
        record = retest.run(Mode(force=force), Watcher(evaluation=shown.evaluation, stop=stop))
    click.echo(summary(record, retest.job.folder))
    check_counts([record])

"""`bench evaluate`: the weights of a finished run, tested on other episodes or other data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.elsewhere import Place, test_elsewhere
from bench.cli.loading import load_plugins
from bench.cli.options import (
    complete_names,
    data_root_option,
    debug_option,
    device_option,
    plugin_option,
)
from bench.cli.summary import check_counts
from bench.config import TEST_PREFIX
from bench.errors import BenchError
from bench.parameters import read_assignments


@click.command
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--ways", type=int, help="Classes per test episode. [default: the run's]")
@click.option("--shots", type=int, help="Known examples per class. [default: the run's]")
@click.option("--queries", type=int, help="Queries per class. [default: the run's]")
@click.option("--protocol", metavar="KIND", help="How episodes are drawn. [default: the run's]")
@click.option(
    "--test-data",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_names,
    help="A dataset to test on; may be repeated. [default: the run's]",
)
@click.option("--resize-test", is_flag=True, help="Make its images as large as the network's.")
@click.option(
    "--set",
    "set",
    multiple=True,
    metavar="KEY=VALUE",
    help="A parameter of the algorithm that only tests read (see bench info ALGO); test.KEY for "
    "one of the test's data.",
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
      bench evaluate results/RUN --set prediction=support-plus-one
    """
    registry = load_plugins(plugin)
    from bench.finished import read_finished
    from bench.retesting import TestWishes
    from bench.runner import set_up_process

    read_finished(run)
    settings = read_assignments(wishes.pop("set"))
    names: tuple[str, ...] = wishes.pop("test_data")
    resize: bool = wishes.pop("resize_test")
    said = [value for value in wishes.values() if value is not None]
    if not (names or said or any(not name.startswith(TEST_PREFIX) for name in settings)):
        raise BenchError(
            "name what to test on, such as --shots 5, --protocol dirichlet or --test-data NAME; "
            "to test on the same episodes again: bench verify"
        )
    set_up_process(None)
    wanted = TestWishes(**wishes, resize_test=resize or None, set=settings or None)
    place = Place(out, data_root, device)
    check_counts(test_elsewhere(run, registry, names or (None,), wanted, place, force=force))

"""`bench leaderboard`: tables from result folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from bench.cli.options import debug_option
from bench.errors import BenchError, NothingMatched

if TYPE_CHECKING:
    from bench.leaderboard import Format

FORMATS = ("markdown", "csv", "latex", "html", "json")
PLAIN = ("csv", "json")


@click.command
@click.argument("folder", default="results", type=click.Path(path_type=Path), metavar="[DIR]")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="markdown",
    show_default=True,
    help="What to print the tables as.",
)
@click.option(
    "--published", is_flag=True, help="Below each table, what papers print, beside what is here."
)
@debug_option
def command(folder: Path, form: str, published: bool, debug: bool) -> None:
    """Print tables from the results in DIR (default: results).

    Runs share a table only if they were tested on the very same episodes, and a ranking only if
    queries inform one another in all of them or in none. Rows that share a letter are not
    separable.
    """
    from bench.leaderboard import collect, render

    if published and form in PLAIN:
        raise BenchError(
            f"--published is for tables to be read, and --format is {form}; "
            "bench published --json has the numbers"
        )
    board = collect(folder)
    for line in board.unreadable:
        click.echo(f"bench: not shown: {line}", err=True)
    if not board.tables:
        raise NothingMatched(f"no run in {folder} can be read")
    click.echo(render(board, cast("Format", form), published=published))

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
@click.option(
    "--wide", "is_wide", is_flag=True, help="One table: a row per method, a column per test."
)
@debug_option
def command(folder: Path, form: str, published: bool, is_wide: bool, debug: bool) -> None:
    """Print tables from the results in DIR (default: results).

    Runs share a table only if they were tested on the very same episodes, and a ranking only if
    queries inform one another in all of them or in none. Rows that share a letter are not
    separable.

    With --wide, all tables are one; the best of a column is bold, with those not told from it.
    """
    from bench.leaderboard import collect, render, render_wide, wide

    if published and form in PLAIN:
        raise BenchError(
            f"--published is for tables to be read, and --format is {form}; "
            "bench published --json has the numbers"
        )
    if published and is_wide:
        raise BenchError("--published stands below a table of one test, and --wide has all in one")
    board = collect(folder)
    for line in board.unreadable:
        click.echo(f"bench: not shown: {line}", err=True)
    if not board.tables:
        raise NothingMatched(f"no run in {folder} can be read")
    if not is_wide:
        click.echo(render(board, cast("Format", form), published=published))
        return
    table = wide(board)
    if not table.columns:
        raise NothingMatched(f"no run in {folder} has a result")
    click.echo(render_wide(table, cast("Format", form)))

"""`bench leaderboard`: tables from result folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click

from bench.cli.options import debug_option
from bench.errors import BenchError, NothingMatched
from bench.suite import SUITE_FILE

if TYPE_CHECKING:
    from bench.leaderboard import Format
    from bench.leaderboard.markup import Reading

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
@click.option(
    "--only-reproduction",
    "only",
    is_flag=True,
    help="Of a folder with a suite, only the table of what the suite asks for.",
)
@debug_option
def command(
    folder: Path, form: str, published: bool, is_wide: bool, only: bool, debug: bool
) -> None:
    """Print tables from the results in DIR (default: results).

    Runs share a table only if they were tested on the very same episodes, and a ranking only if
    queries inform one another in all of them or in none. Rows that share a letter are not
    separable.

    With --wide, all tables are one; the best of a column is bold, with those not told from it.

    If DIR has a suite.toml, what that asks for comes first: published numbers beside ours, by how
    much they differ, whether that is within the suite's tolerance, and what was not run. CSV and
    JSON have it with --only-reproduction.
    """
    from bench.leaderboard import collect, render, render_wide, wide
    from bench.results import find_runs

    if only and (published or is_wide):
        other = "--wide" if is_wide else "--published"
        raise BenchError(
            f"--only-reproduction and {other} are two tables; leave out one of the flags"
        )
    if only:
        click.echo(_reproduction(folder, form))
        return
    if published and form in PLAIN:
        raise BenchError(
            f"--published is for tables to be read, and --format is {form}; "
            "bench published --json has the numbers"
        )
    if published and is_wide:
        raise BenchError("--published stands below a table of one test, and --wide has all in one")
    if form not in PLAIN and (folder / SUITE_FILE).is_file():
        click.echo(f"{_reproduction(folder, form)}\n")
        if not find_runs(folder):
            return
        board = collect(folder)
    else:
        board = collect(folder)
        _tell(board.unreadable)
    if not board.tables:
        raise NothingMatched(f"no run in {folder} can be read")
    if not is_wide:
        click.echo(render(board, cast("Format", form), published=published))
        return
    table = wide(board)
    if not table.columns:
        raise NothingMatched(f"no run in {folder} has a result")
    click.echo(render_wide(table, cast("Format", form)))


def _tell(unreadable: Sequence[str]) -> None:
    for line in unreadable:
        click.echo(f"bench: not shown: {line}", err=True)


def _reproduction(folder: Path, form: str) -> str:
    """Returns the table of what the suite of a folder asks for."""
    from bench.reproduction import render_plain, render_reproduction, reproduce

    table = reproduce(folder)
    _tell(table.unreadable)
    if form in PLAIN:
        return render_plain(table, cast("Literal['csv', 'json']", form))
    return render_reproduction(table, cast("Reading", form))

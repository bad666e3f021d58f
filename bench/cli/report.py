"""`bench report`: the tables and figures of a suite, from its records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import data_root_option, debug_option, plugin_option
from bench.errors import BenchError, RunFailed
from bench.suite import SUITE_FILE

if TYPE_CHECKING:
    from bench.report import Derived
    from bench.reproduction import Reproduction


@click.command
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--readme",
    "readmes",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A text that has the short table between marks; may be repeated.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail if anything is not up to date.")
@data_root_option
@plugin_option
@debug_option
def command(
    folder: Path,
    readmes: tuple[Path, ...],
    check: bool,
    data_root: str | None,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Write the tables and figures of the suite in DIR, from its records.

    They stand beside DIR: DIR.md, .csv, .tex, .html, and figures/DIR-*.png. In a --readme, the
    table stands between the lines <!-- report: NAME table --> and <!-- end report -->, where NAME
    is that of DIR. The picture of an example episode is made where the data is.
    """
    from bench.files import write_atomically
    from bench.report import figures, readme, tables
    from bench.reproduction import reproduce

    folder = folder if folder.name else folder.resolve()
    if not (folder / SUITE_FILE).is_file():
        raise BenchError(f"{folder} has no {SUITE_FILE}; name the folder of a suite's results")
    table = reproduce(folder)
    if table.unreadable:
        raise BenchError(f"{table.unreadable[0]}; put it right, or delete that run's folder")
    if table.altered:
        raise BenchError(
            f"altered since the run wrote it: {table.altered[0]}; put it right, or delete that "
            "run's folder"
        )
    texts = [readme(path, folder, table) for path in readmes]
    drawn = [*figures(folder, table), *_episode(folder, table, data_root, plugin)]
    files = [*tables(folder, table), *drawn, *texts]
    stale = [one for one in files if not one.is_current]
    if check and stale:
        also = "".join(f" --readme {path}" for path in readmes)
        raise RunFailed(
            f"not up to date: {', '.join(str(one.path) for one in stale)}; make them so: bench "
            f"report {folder}{also}"
        )
    for one in stale:
        one.path.parent.mkdir(exist_ok=True)
        write_atomically(one.path, one.content)
        click.echo(f"written: {one.path}")
    if not stale:
        click.echo(f"up to date: {len(files)} files of {folder}")


def _episode(
    folder: Path, table: Reproduction, data_root: str | None, plugin: tuple[str, ...]
) -> Iterator[Derived]:
    """Yields the picture of the example episode; says why if it cannot be made here."""
    from bench.cli.progress import bars
    from bench.dataset import DataFiles
    from bench.figures.answered import answered
    from bench.figures.testpool import pool_of
    from bench.job import data_root as found_root
    from bench.report import episode, episode_title, example, figure_path

    line = example(table)
    if line is None:
        return
    run = line.row.first
    files = DataFiles(found_root(data_root), download=False)
    try:
        with bars() as shown:
            pool = pool_of(run.record, load_plugins(plugin), files, shown.dataset)
        yield episode(folder, line, answered(pool, run.folder, 0, episode_title(line)))
    except BenchError as error:
        path = figure_path(folder, "episode")
        state = "left as it is" if path.is_file() else "not made"
        click.echo(f"{state}: {path} ({error})", err=True)

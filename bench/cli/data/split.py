"""`bench data split`: a class split, drawn by seed and written to a file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.cli.options import complete_names, data_root_option, debug_option, plugin_option
from bench.cli.table import table
from bench.errors import BenchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.dataset import DataFiles, Split
    from bench.registry import Registry
    from bench.sources import Chosen


@click.command
@click.argument("data", metavar="NAME:PATH", shell_complete=complete_names)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.csv",
    help="The file to write. [default: none, the split is only shown]",
)
@click.option("--force", is_flag=True, help="Overwrite a file with another split.")
@click.option(
    "--set", "sets", multiple=True, metavar="data.KEY=VALUE", help="A parameter of the dataset."
)
@data_root_option
@plugin_option
@debug_option
def command(
    data: str,
    seed: int,
    out: Path | None,
    force: bool,
    sets: tuple[str, ...],
    data_root: str | None,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Divide the classes of data of yours into train, val and test; no two share a class.

    The same seed and class names give the same split on every machine. The file has the columns
    class and split, and may be edited; runs use it with --set data.splits=FILE.csv.

    \b
    bench data split folder:photos -o splits.csv
    bench run --algo protonet --data folder:photos --set data.splits=splits.csv
    """
    from bench.classsplit import draw_split, write_split
    from bench.config import DATA_PREFIX
    from bench.dataset import DataFiles
    from bench.job import data_root as root_of
    from bench.parameters import read_assignments
    from bench.sources import choose

    given = {k.removeprefix(DATA_PREFIX): v for k, v in read_assignments(sets).items()}
    registry = load_plugins(plugin)
    _check_opens(registry, data)
    sizes, remarks = _sizes(choose(registry, data, given), DataFiles(root_of(data_root)))
    splits = draw_split(sizes, seed)
    click.echo(_summary(splits, sizes))
    for remark in remarks:
        click.echo(remark)
    if out is None:
        click.echo("to keep it, add: -o splits.csv")
        return
    if out.exists() and not force and _is_other(out, splits):
        raise BenchError(f"{out} exists and holds something else; to overwrite it, add --force")
    write_split(out, splits)
    settings = " ".join(f"--set {shlex.quote(f'data.{k}={v}')}" for k, v in given.items())
    use = shlex.quote(f"data.splits={out}")
    click.echo(f"written: {out}")
    click.echo(f"use it with: --data {shlex.quote(data)} --set {use} {settings}".rstrip())


def _check_opens(registry: Registry, data: str) -> None:
    """Raises BenchError if the dataset opens no path: then its split is fixed."""
    name = data.partition(":")[0]
    known = registry.datasets.entries
    if name in known and not known[name].opens:
        own = ", ".join(sorted(f"{n}:PATH" for n, one in known.items() if one.opens))
        raise BenchError(f"{name} has a split of its own; those that are drawn are of {own}")


def _sizes(chosen: Chosen, files: DataFiles) -> tuple[dict[str, int], tuple[str, ...]]:
    """Returns the classes with the number of their examples, and the dataset's remarks."""
    from bench.classsplit import Divisible

    try:
        made = chosen.dataset(**chosen.parameters)
    except (ValueError, TypeError) as error:
        raise BenchError(f"{chosen.dataset.name}: {error}") from error
    if not isinstance(made, Divisible):
        raise BenchError(
            f"{chosen.dataset.name} cannot name its classes without reading them (its class has no "
            "method class_sizes), so its split cannot be drawn beforehand"
        )
    return made.class_sizes(files), tuple(made.remarks())


def _is_other(path: Path, splits: Mapping[str, Split]) -> bool:
    """Tells whether a file does not hold exactly this split."""
    from bench.classsplit import read_split

    try:
        return read_split(path, splits) != splits
    except BenchError:
        return True


def _summary(splits: Mapping[str, Split], sizes: Mapping[str, int]) -> str:
    from bench.dataset import SPLITS

    rows = [
        {
            "split": split,
            "classes": f"{len(of):,}",
            "examples": f"{sum(sizes[name] for name in of):,}",
            "such as": ", ".join(of[:3]) if of else "none",
        }
        for split in SPLITS
        for of in [sorted(name for name, one in splits.items() if one == split)]
    ]
    return table(rows, wrapped=["such as"])

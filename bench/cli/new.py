"""`bench new`: a plugin of one's own, as a package that passes `bench check` as it stands."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import cast

import click

from bench.cli.loading import load_plugins
from bench.cli.options import debug_option
from bench.errors import BenchError
from bench.scaffold import KINDS, Kind, Scaffold, check_name, write


@click.command
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=".",
    show_default=True,
    metavar="DIR",
    help="The folder in which the package's folder is made.",
)
@debug_option
def command(kind: str, name: str, into: Path, debug: bool) -> None:
    """Write a new plugin of this KIND, with its test and pyproject, into a folder called NAME.

    It works as it stands: begin by changing it.
    """
    check_name(name)
    _check_free(name)
    scaffold = Scaffold(cast("Kind", kind), name)
    for path in write(scaffold, into):
        click.echo(path)
    lines = [f"cd {shlex.quote(str(into / name))}", *scaffold.commands]
    click.echo("\nnext:\n" + "\n".join(f"  {line}" for line in lines))


def _check_free(name: str) -> None:
    """Raises BenchError if an installed plugin has that name."""
    registry = load_plugins()
    for catalogue in (registry.algorithms, registry.datasets, registry.backbones):
        if name in catalogue.entries:
            where = " and ".join(catalogue.origins[name])
            raise BenchError(
                f"the name of the {catalogue.noun} '{name}', in {where}, is taken; take another, "
                f"such as my-{name}"
            )

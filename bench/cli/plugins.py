"""`bench plugins`: which plugin modules were found, and why some were not loaded."""

from __future__ import annotations

import dataclasses
import json

import click

from bench.cli.loading import load_plugins
from bench.cli.options import debug_option, plugin_option
from bench.cli.table import table


@click.command
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@plugin_option
@debug_option
def command(as_json: bool, plugin: tuple[str, ...], debug: bool) -> None:
    """List plugin modules, with versions and load errors."""

    records = load_plugins(plugin, strict=False).plugins
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(record) for record in records], indent=2))
        return
    rows = [
        {
            "module": record.module,
            "from": f"{record.source} {record.version}".strip(),
            "adds": ", ".join(record.adds) or "-",
            "error": record.error or "-",
        }
        for record in records
    ]
    click.echo(table(rows, wrapped=("module", "adds", "error")))

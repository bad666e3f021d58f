"""`bench plugins`: which plugin modules were found, and why some were not loaded."""

from __future__ import annotations

import dataclasses
import json

import rich_click as click

from bench.cli.options import debug_option, plugin_option


@click.command(short_help="List plugin modules, with versions and load errors.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@plugin_option
@debug_option
def plugins(as_json: bool, plugin: tuple[str, ...], debug: bool) -> None:
    """List plugin modules, with versions and load errors."""
    from tabulate import tabulate

    from bench.registry import load_registry

    records = load_registry(plugin).plugins
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(record) for record in records], indent=2))
        return
    rows = [
        {
            "module": record.module,
            "from": f"{record.source} {record.version}".strip(),
            "adds": ", ".join((*record.algorithms, *record.datasets)) or "-",
            "error": record.error or "-",
        }
        for record in records
    ]
    click.echo(tabulate(rows, headers="keys", maxcolwidths=[None, None, None, 70]))

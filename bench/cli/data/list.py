"""`bench data list`: which datasets there are, and what lies here of each."""

from __future__ import annotations

import json
import os
import re
import textwrap
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.bytesize import in_bytes
from bench.cli.loading import load_plugins
from bench.cli.options import data_root_option, debug_option, plugin_option
from bench.cli.table import table
from bench.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from bench.inventory import Cache, Holding

LICENCE = 40
"""Characters of a licence that a table has room for."""
_PREDICTED = {CLASSIFICATION: "classes", REGRESSION: "curves"}


@click.command
@click.option("--caches", is_flag=True, help="List the caches instead, with their parameters.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_root_option
@plugin_option
@debug_option
def command(
    caches: bool, as_json: bool, data_root: str | None, plugin: tuple[str, ...], debug: bool
) -> None:
    """List datasets: where their files are, what is cached. Nothing is fetched or built."""
    if caches:
        _list_caches(as_json)
        return
    registry = load_plugins(plugin)
    from bench.inventory import holdings
    from bench.job import data_root as chosen_root

    root = chosen_root(data_root)
    found = list(holdings(registry, root))
    if as_json:
        click.echo(json.dumps([_plain(one) for one in found], indent=2))
        return
    click.echo(table([_row(one, root) for one in found], wrapped=("files", "licence")))
    click.echo(f"\nfiles are looked for in {root} (--data-root or BENCH_DATA_ROOT)")
    if any(one.caches for one in found):
        click.echo("bench data list --caches lists the caches, one by one")
    for record in registry.broken:
        click.echo(f"not loaded: {record.module}: {record.error}", err=True)


def _row(one: Holding, root: Path) -> dict[str, str]:
    cached = f"{in_bytes(one.cached)}" if one.caches else "-"
    several = f" in {len(one.caches)}" if len(one.caches) > 1 else ""
    return {
        "name": one.name,
        "predicts": _PREDICTED[one.task],
        "files": _files(one, root),
        "download": in_bytes(one.download) if one.download else "-",
        "cached": cached + several,
        "licence": _short(one.licence),
    }


def _short(licence: str) -> str:
    """Returns the beginning of a licence's terms; bench info and --json have them whole."""
    return textwrap.shorten(re.split(r"[;:(]", licence)[0], LICENCE, placeholder=" ...") or "-"


def _files(one: Holding, root: Path) -> str:
    """Returns whether they are there; of those that are, the folder around them."""
    if one.files.state == "yours":
        return f"yours: {one.name}:PATH"
    if one.files.state == "present":
        folders = [str(p if p.is_dir() else p.parent) for p in one.files.places] or [str(root)]
        place = Path(os.path.commonpath(folders))
        inside = place.is_relative_to(root) and place != root
        return f"present: {place.relative_to(root) if inside else place}"
    return "none to fetch" if one.files.state == "none" else one.files.state


def _plain(one: Holding) -> dict[str, object]:
    return {
        "name": one.name,
        "task": one.task,
        "licence": one.licence,
        "files": one.files.state,
        "places": [str(place) for place in one.files.places],
        "download_bytes": one.download or None,
        "caches": [_plain_cache(cache) for cache in one.caches],
    }


def _plain_cache(cache: Cache) -> dict[str, object]:
    return {
        "name": cache.name,
        "parameters": cache.parameters,
        "folder": str(cache.folder),
        "bytes": cache.bytes,
        "made": _day(cache),
    }


def _list_caches(as_json: bool) -> None:
    from bench.cache import cache_root
    from bench.inventory import caches

    found = caches()
    if as_json:
        click.echo(json.dumps([_plain_cache(cache) for cache in found], indent=2))
        return
    rows = [
        {
            "cache": cache.folder.name,
            "parameters": ", ".join(f"{k}={v}" for k, v in cache.parameters.items()) or "-",
            "size": in_bytes(cache.bytes),
            "made": _day(cache),
        }
        for cache in found
    ]
    click.echo(table(rows, wrapped=("parameters",)))
    total = in_bytes(sum(cache.bytes for cache in found))
    click.echo(f"\n{total} in {cache_root() / 'datasets'} (BENCH_CACHE)")


def _day(cache: Cache) -> str:
    return datetime.fromtimestamp(cache.made).date().isoformat()

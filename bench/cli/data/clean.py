"""`bench data clean`: caches that nobody wants any more, deleted."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from bench.bytesize import in_bytes
from bench.cli.loading import load_plugins
from bench.cli.options import debug_option, plugin_option
from bench.errors import BenchError, NothingMatched, nearest

if TYPE_CHECKING:
    from bench.inventory import Cache


@click.command
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@plugin_option
@debug_option
def command(names: tuple[str, ...], yes: bool, plugin: tuple[str, ...], debug: bool) -> None:
    """Delete caches; they are built again when they are needed.

    NAME is a dataset, for all of its caches, or one cache, as bench data list --caches calls it.
    Without names, those go that no run will open again because the code of their dataset has
    changed since; whether your own files have, as for folder:PATH, is not known without them, so
    name these.
    """
    from bench.inventory import caches, outdated

    found = caches()
    chosen = _named(found, names) if names else outdated(load_plugins(plugin), found)
    if not chosen:
        raise NothingMatched("no cache is outdated; name those to delete: bench data list --caches")
    for cache in chosen:
        click.echo(f"{cache.folder.name}  {in_bytes(cache.bytes)}")
    total = in_bytes(sum(cache.bytes for cache in chosen))
    what = f"{len(chosen)} caches" if len(chosen) > 1 else "this cache"
    if not yes and not click.confirm(f"delete {what} ({total})?"):
        return
    for cache in chosen:
        try:
            shutil.rmtree(cache.folder)
        except FileNotFoundError:  # another process was faster
            continue
    click.echo(f"deleted: {total}")


def _named(found: Sequence[Cache], names: tuple[str, ...]) -> list[Cache]:
    known = {cache.name for cache in found} | {cache.folder.name for cache in found}
    for name in names:
        if name not in known:
            raise BenchError(f"no cache is called '{name}'; {nearest(name, known)}")
    return [cache for cache in found if cache.name in names or cache.folder.name in names]

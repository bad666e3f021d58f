"""`bench data verify`: a dataset's files and its cache, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from bench.cli.data.opening import Opened, opened, set_option
from bench.cli.loading import load_plugins
from bench.cli.options import complete_names, data_root_option, debug_option, plugin_option
from bench.errors import BenchError, RunFailed

if TYPE_CHECKING:
    from bench.cli.progress import Bars
    from bench.dataverification import Finding

MOST = 8
"""Differences that are printed; the rest are counted."""


@click.command
@click.argument("data", metavar="NAME", shell_complete=complete_names)
@set_option
@data_root_option
@plugin_option
@debug_option
def command(
    data: str,
    sets: tuple[str, ...],
    data_root: str | None,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Check a dataset's files and cache, byte for byte.

    Files are compared with their published hashes, the cache with its own, and every class, read
    again from the files, with what the cache has of it. Nothing is fetched, built or changed. The
    exit code is 1 if something differs.
    """
    registry = load_plugins(plugin)
    from bench.cli.progress import bars
    from bench.dataset import DataFiles
    from bench.dataverification import check_anything
    from bench.job import data_root as chosen_root

    files = DataFiles(chosen_root(data_root), download=False)
    with bars() as shown:
        found = list(_findings(opened(registry, data, sets, files), shown))
    different = [one for one in found if one.verdict == "differs"]
    shown_of = {id(one) for one in different[:MOST]}
    for one in found:
        if one.verdict != "differs" or id(one) in shown_of:
            click.echo(f"{one.verdict:>11}  {one.part}: {one.words}")
    if len(different) > MOST:
        click.echo(f"{'differs':>11}  and {len(different) - MOST} more")
    check_anything(found, data)
    if different:
        parts = ", ".join(one.part for one in different[:MOST])
        raise RunFailed(f"{data}: {len(different)} differences: {parts}")


def _findings(one: Opened, shown: Bars) -> Iterator[Finding]:
    from bench.cache import cache_folder
    from bench.dataverification import Finding, cached, verify_cache, verify_classes, verify_files
    from bench.inventory import files_of

    yield from verify_files(one.made, one.files.root)
    data = cached(cache_folder(one.made, one.parameters, one.files))
    if data is None:
        yield Finding("cache", "not checked", "none was built for these parameters and files yet")
        return
    of_cache = list(verify_cache(data))
    yield from of_cache
    if any(finding.verdict == "differs" for finding in of_cache):
        yield Finding("classes", "not checked", f"the cache is damaged: delete {data.folder}")
        return
    try:
        yield from verify_classes(one.made, data, one.files, shown.dataset)
    except BenchError as error:
        absent = files_of(one.made, one.files.root).state == "absent"
        yield Finding("classes", "not checked" if absent else "differs", str(error))

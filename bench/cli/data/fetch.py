"""`bench data fetch`: a dataset's files, fetched and checked, and its cache, built."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.bytesize import in_bytes
from bench.cli.data.opening import Opened, opened, set_option
from bench.cli.loading import load_plugins
from bench.cli.options import complete_names, data_root_option, debug_option, plugin_option
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.cli.progress import Bars
    from bench.stored import CacheRecord


@click.command
@click.argument("data", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_names)
@set_option
@data_root_option
@plugin_option
@debug_option
def command(
    data: tuple[str, ...],
    sets: tuple[str, ...],
    data_root: str | None,
    plugin: tuple[str, ...],
    debug: bool,
) -> None:
    """Fetch the files of datasets and build their caches.

    What is there already is not fetched again. A download that was cut off goes on where it was.
    """
    registry = load_plugins(plugin)
    from bench.cli.progress import bars
    from bench.dataset import DataFiles
    from bench.job import data_root as chosen_root

    failed: list[BenchError] = []
    for name in data:
        try:
            with bars() as shown:
                files = DataFiles(chosen_root(data_root), True, shown.download)
                lines = _fetched(opened(registry, name, sets, files), shown)
        except BenchError as error:
            if debug or len(data) == 1:
                raise
            failed.append(error)
            lines = [f"not ready: {error}"]
        click.echo("\n  ".join([name, *lines]))
    if failed:
        raise type(failed[0])(f"{len(failed)} of {len(data)} could not be fetched")


def _fetched(one: Opened, shown: Bars) -> list[str]:
    """Fetches files and builds the cache; returns what to say of them."""
    from bench.cache import open_dataset

    before = time.monotonic()
    lines = _files(one)
    data = open_dataset(one.made, one.parameters, one.files, shown.dataset)
    seconds = time.monotonic() - before
    size = sum(path.stat().st_size for path in data.folder.iterdir())
    return [
        *lines,
        f"{contents(data.record)}; {in_bytes(size)} in {data.folder}",
        f"fingerprint {data.fingerprint}",
        *data.record.remarks,
        f"{seconds:.1f} s",
    ]


def _files(one: Opened) -> list[str]:
    """Fetches the files that are absent, and looks at the hashes of those in their places."""
    from bench.inventory import files_of

    root, lines = one.files.root, []
    if files_of(one.made, root).state == "absent":
        for download in one.made.downloads():
            place = one.files.obtain(download)
            lines.append(f"{_inside(place, root)} is there")
        return lines
    for download in one.made.downloads():
        file = root / download.file
        wrong = download.wrong_hash(file) if file.is_file() else ""
        if wrong:
            lines.append(f"{download.file} was there, but is not the published file: {wrong}")
        elif file.is_file():
            lines.append(f"{download.file} was there")
    return lines


def _inside(place: Path, root: Path) -> Path:
    return place.relative_to(root) if place.is_relative_to(root) else place


def contents(record: CacheRecord) -> str:
    """Returns how many classes and inputs of which shape a dataset has."""
    splits = record.splits.values()
    classes, inputs = sum(len(s.classes) for s in splits), sum(s.rows for s in splits)
    shape = "x".join(map(str, next(iter(splits)).shape))
    return f"{classes:,} classes, {inputs:,} inputs of {shape}"

"""Stamps: what tells that a user's files have changed, without reading them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import is_table, open_tree, read_listing

from ._image_files import listed_file


def stamp_of(path: Path, tables: Sequence[Path]) -> str:
    """Returns a hash of the names, sizes and times of all files, and of what the tables hold."""
    digest = hashlib.sha256(os.fsencode(path.resolve()))
    for table in tables:
        digest.update(table.read_bytes() if table.is_file() else b"")
    for file in _files(path):
        digest.update(os.fsencode(f"\n{file}"))
        try:
            state = Path(file).stat()
        except OSError:  # whoever reads it will say so
            continue
        digest.update(f" {state.st_size} {state.st_mtime_ns}".encode())
    return digest.hexdigest()


def _files(path: Path) -> Iterator[str]:
    """Yields the files in a folder, or those that a table names, or the zip alone."""
    if path.is_dir():
        yield from (f"{path}/{name}" for name in open_tree(path).names)
    elif is_table(path.name):
        items = [one.item for one in read_listing(path, "path").items]
        yield from (str(listed_file(path.parent, item) or item) for item in items)
    else:
        yield str(path)

"""File trees: the files in a folder or in a zip, by their path in it, and a way to read each."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from bench.errors import BenchError

LARGEST = 1 << 30
"""Bytes of a file within an archive, unpacked; a larger one is refused."""


@dataclass(frozen=True)
class FileTree:
    """The files below `path`, a folder or a zip: each by its path in it, with `/`, sorted.

    `readers` gives the content of each; it may be asked by several threads.
    """

    path: Path
    readers: dict[str, Callable[[], bytes]]

    @property
    def names(self) -> tuple[str, ...]:
        """The paths of all files, sorted."""
        return tuple(self.readers)

    def read(self, name: str) -> bytes:
        """Returns the content of one file; raises BenchError if there is none or it is damaged."""
        if name not in self.readers:
            raise BenchError(f"{self.path} has no file {name}")
        return self.readers[name]()

    def below(self, folder: str) -> FileTree:
        """Returns the files below a folder, by their paths in that."""
        start = f"{folder.rstrip('/')}/"
        kept = {n.removeprefix(start): r for n, r in self.readers.items() if n.startswith(start)}
        return FileTree(self.path / folder, kept)


def open_tree(path: Path) -> FileTree:
    """Returns the files of a folder, or of a zip file; hidden ones are left out.

    Links in a folder are followed only to files within it.

    Raises:
        BenchError: there is no such folder or file, it is no zip, or an entry points elsewhere.
    """
    if path.is_dir():
        return FileTree(path, _of_folder(path))
    if not path.exists():
        raise BenchError(f"there is no folder or zip file {path}")
    return FileTree(path, _of_zip(path))


def is_hidden(name: str) -> bool:
    """Tells whether a path in a tree is that of a hidden file, or one in a hidden folder."""
    return any(map(_hides, PurePosixPath(name).parts))


def _hides(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"


def _of_folder(path: Path) -> dict[str, Callable[[], bytes]]:
    return {name: partial(_content, found) for name, found in sorted(_walk(str(path), ""))}


def _walk(folder: str, start: str) -> Iterator[tuple[str, str]]:
    """Yields the files below a folder: far faster than Path.rglob, which skips what it may not see.

    Raises:
        BenchError: a folder may not be read.
    """
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not _hides(entry.name)]
    except OSError as error:
        raise BenchError(f"{folder} cannot be read ({error.strerror or error})") from error
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{start}{entry.name}/")
        elif entry.is_file():
            yield f"{start}{entry.name}", entry.path


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error})") from error


def _of_zip(path: Path) -> dict[str, Callable[[], bytes]]:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise BenchError(f"{path} cannot be read as a zip file ({error})") from error
    found: dict[str, Callable[[], bytes]] = {}
    for entry in sorted(archive.infolist(), key=lambda e: e.filename):
        name = entry.filename.replace("\\", "/")
        if entry.is_dir() or is_hidden(name):
            continue
        check_inside(name, path)
        if entry.file_size > LARGEST:
            raise BenchError(f"{name} in {path} has {entry.file_size:,} bytes; that is too large")
        found[name] = partial(_member, archive, entry, path)
    return found


def check_inside(name: str, archive: Path) -> None:
    """Raises BenchError if the name of an archive's entry leads out of the archive."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or ":" in pure.parts[0]:
        raise BenchError(
            f"the archive {archive} has an entry '{name}', which leads out of it; it is not safe "
            "to unpack: get it from its publisher again"
        )


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bytes:
    try:
        return archive.read(entry)
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
        raise BenchError(f"{entry.filename} in {path} cannot be read ({error})") from error

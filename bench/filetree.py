"""File trees: the files in a folder or in a zip, by their path in it, and a way to read each."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from bench.errors import BenchError

LARGEST = 1 << 30
"""Bytes of a file within an archive, unpacked; a larger one is refused."""

_ENCRYPTED = 1
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those that zipfile unpacks no further than it is asked to."""
_DAMAGE = (OSError, EOFError, ValueError, RuntimeError, IndexError, struct.error)
_UNREADABLE = (*_DAMAGE, zipfile.BadZipFile, zlib.error)


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

    Links to files within the folder are followed. Links to folders within it are passed over, as
    what they show is found in its own place.

    Raises:
        BenchError: there is no such folder or file; a part of it may not be read, or is a link
            that leads out of it or nowhere; it is no zip, or an entry of it points elsewhere, is a
            link, encrypted, oddly compressed, too large, or there twice.
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
    return {name: partial(_content, found) for name, found in sorted(_walk(str(path)))}


def _walk(root: str) -> Iterator[tuple[str, str]]:
    """Yields the files below a folder: far faster than Path.rglob, which skips what it may not see.

    Raises:
        BenchError: a folder may not be read, or a link leads out of the folder or nowhere.
    """
    inside = Path(os.path.realpath(root))
    waiting = [(root, "")]
    while waiting:
        folder, start = waiting.pop()
        for entry in _entries(folder):
            if entry.is_symlink():
                if _is_linked_file(entry.path, inside):
                    yield f"{start}{entry.name}", entry.path
            elif entry.is_dir():
                waiting.append((entry.path, f"{start}{entry.name}/"))
            elif entry.is_file():
                yield f"{start}{entry.name}", entry.path


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not _hides(entry.name)]
    except OSError as error:
        raise BenchError(f"{folder} cannot be read ({error.strerror or error})") from error


def _is_linked_file(path: str, inside: Path) -> bool:
    """Tells whether a link leads to a file, not a folder; raises BenchError if out or nowhere."""
    target = Path(os.path.realpath(path))
    if not target.exists():
        raise BenchError(f"{path} is a link to {target}, which is not there; remove the link")
    if not target.is_relative_to(inside):
        raise BenchError(
            f"{path} is a link to {target}, outside the folder; copy what it shows into its place, "
            "or list the images in a table, whose paths may lead anywhere"
        )
    return target.is_file()


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error})") from error


def _of_zip(path: Path) -> dict[str, Callable[[], bytes]]:
    try:
        archive = zipfile.ZipFile(path)
    except _UNREADABLE as error:
        raise BenchError(
            f"{path} cannot be read as a zip file ({_reason(error)}); if it is one, it is damaged "
            "or was not copied as a whole"
        ) from error
    found: dict[str, Callable[[], bytes]] = {}
    for entry in archive.infolist():
        name = str(PurePosixPath(entry.filename.replace("\\", "/")))
        if entry.filename.endswith(("/", "\\")) or name == ".":
            continue
        check_inside(name, path)
        if is_hidden(name):
            continue
        _check_entry(entry, name, path)
        if name in found:
            raise BenchError(f"{path} has {name} twice; it is not plain which is meant: remove one")
        found[name] = partial(_member, archive, entry, path)
    return dict(sorted(found.items()))


def _check_entry(entry: zipfile.ZipInfo, name: str, path: Path) -> None:
    """Raises BenchError if what is in a zip cannot be read, or better is not."""
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise BenchError(f"{name} in {path} is a link; put the file itself into the archive")
    if entry.flag_bits & _ENCRYPTED:
        raise BenchError(f"{name} in {path} is encrypted; unpack it with its password first")
    if entry.compress_type not in _BOUNDED:
        raise BenchError(
            f"{name} in {path} is compressed in an unusual way (method {entry.compress_type}); "
            "unpack it and zip it again, by deflate or without compression"
        )
    if entry.file_size > LARGEST:
        raise BenchError(f"{name} in {path} has {entry.file_size:,} bytes; that is too large")


def check_inside(name: str, archive: Path) -> None:
    """Raises BenchError if the name of an archive's entry leads out of the archive."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or ":" in "".join(pure.parts[:1]):
        raise BenchError(
            f"the archive {archive} has an entry '{name}', which leads out of it; it is not safe "
            "to unpack: get it from its publisher again"
        )


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bytes:
    """Returns the content of an entry, and never more than it says it has."""
    try:
        with archive.open(entry) as file:
            content = file.read(entry.file_size)  # without a number it unpacks whatever there is
            whole = not file.read(1)
    except _UNREADABLE as error:
        raise BenchError(f"{entry.filename} in {path} cannot be read ({_reason(error)})") from error
    if len(content) != entry.file_size or not whole:
        raise BenchError(f"{entry.filename} in {path} is not as long as it says; it is damaged")
    return content


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__

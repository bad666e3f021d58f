"""Zip files: their entries, unsafe ones told apart, and how to read each."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.doctor.finding import Affected, Finding, readable
from bench.errors import BenchError
from bench.filetree import LARGEST, check_inside

_UNREADABLE = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, NotImplementedError)


@dataclass(frozen=True)
class ZippedFile:
    """An entry: its path with `/`, and how to read its content or its first bytes."""

    name: str
    read: Callable[[], bytes]
    head: Callable[[], bytes]


class ZipContent(NamedTuple):
    """The entries of a zip that are safe, and what is wrong with others."""

    files: tuple[ZippedFile, ...]
    findings: tuple[Finding, ...]


def zipped_files(path: Path) -> ZipContent:
    """Returns the entries of a zip file, sorted.

    Raises:
        BenchError: it cannot be read as a whole.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise BenchError(f"{path} cannot be read as a zip file ({error})") from error
    files, unsafe, seen = [], [], dict[str, int]()
    for entry in sorted(archive.infolist(), key=lambda e: e.filename):
        name = entry.filename.replace("\\", "/")
        if entry.is_dir():
            continue
        seen[name] = seen.get(name, 0) + 1
        trouble = _trouble(entry, name, path)
        if trouble or seen[name] > 1:
            unsafe.append(Affected(readable(name), trouble or "its name occurs twice"))
            continue
        read = partial(_read, archive, entry, -1)
        files.append(ZippedFile(name, read, partial(_read, archive, entry, 64)))
    findings = []
    if unsafe:
        cure = "get the archive from its publisher again, or pack it anew"
        findings.append(Finding("unsafe", "error", "unsafe entries", cure, tuple(unsafe)))
    return ZipContent(tuple(files), tuple(findings))


def _trouble(entry: zipfile.ZipInfo, name: str, path: Path) -> str:
    """Returns what is unsafe about an entry; empty if nothing is."""
    try:
        check_inside(name, path)
    except BenchError:
        return "its name leads out of the archive"
    if entry.file_size > LARGEST:
        return f"{entry.file_size:,} bytes, unpacked"
    return ""


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, count: int) -> bytes:
    """Returns the first bytes of an entry, or all for -1; raises OSError if it is damaged."""
    try:
        with archive.open(entry) as file:
            return file.read(count)
    except _UNREADABLE as error:
        raise OSError(str(error)) from error

"""The inventory: every file that is there, hidden ones and links included, none of it read yet."""

from __future__ import annotations

import os
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from bench.dataset import Split
from bench.doctor.finding import Affected, Finding, readable
from bench.doctor.zipped import zipped_files
from bench.endings import TABLES
from bench.errors import BenchError
from bench.listing import Listing, read_listing


@dataclass(frozen=True)
class FoundFile:
    """A file: its path with `/`, and how to read its content or its first bytes.

    A table gives it a class, and perhaps a split and a group.
    """

    name: str
    read: Callable[[], bytes]
    head: Callable[[], bytes]
    class_name: str = ""
    split: Split | None = None
    group: str = ""


@dataclass(frozen=True)
class Inventory:
    """The files below `path`, a folder or zip, or in the table there; and troubles on the way."""

    path: Path
    files: tuple[FoundFile, ...]
    findings: tuple[Finding, ...] = ()
    is_table: bool = False

    @property
    def folder(self) -> Path | None:
        """Where the files' names start; None in a zip."""
        if self.path.is_dir():
            return self.path
        return self.path.parent if self.is_table else None


def take_inventory(path: Path) -> Inventory:
    """Returns what is in a folder, a zip, or a table with the columns path and class.

    Raises:
        BenchError: it is none of these, or the table or zip as a whole cannot be read.
    """
    if path.is_dir():
        return _of_folder(path)
    if not path.exists():
        raise BenchError(f"there is no folder, zip or table {path}; check the path")
    if path.suffix.lower() in TABLES:
        return _of_table(read_listing(path, "path", "drop"))
    if zipfile.is_zipfile(path):
        files, findings = zipped_files(path)
        found = tuple(FoundFile(one.name, one.read, one.head) for one in files)
        return Inventory(path, found, findings)
    raise BenchError(
        f"{path} is neither a folder nor a zip file nor a table ({', '.join(TABLES)}); unpack "
        "other archives"
    )


@dataclass
class _Walk:
    """What a walk through a folder came across."""

    files: dict[str, Path] = field(default_factory=dict)
    closed: list[Affected] = field(default_factory=list)
    links: list[Affected] = field(default_factory=list)
    lost: list[Affected] = field(default_factory=list)


def _of_folder(path: Path) -> Inventory:
    walk = _Walk()
    _look_through(path, path, walk)
    files = tuple(_file(name, found) for name, found in sorted(walk.files.items()))
    return Inventory(path, files, tuple(_troubles(walk)))


def _look_through(folder: Path, root: Path, walk: _Walk) -> None:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        name = readable(folder.relative_to(root).as_posix())
        walk.closed.append(Affected(name, error.strerror or str(error)))
        return
    for entry in entries:
        path = Path(entry.path)
        name = path.relative_to(root).as_posix()
        if entry.is_symlink():
            target = Affected(readable(name), f"to {readable(str(path.readlink()))}")
            (walk.links if entry.is_file() else walk.lost).append(target)
        if entry.is_dir(follow_symlinks=False):
            _look_through(path, root, walk)
        elif entry.is_file():
            walk.files[name] = path


def _troubles(walk: _Walk) -> Iterator[Finding]:
    if walk.closed:
        cure = "give yourself the right to read them (chmod -R u+rX), or remove them"
        yield Finding("closed", "error", "folders that may not be read", cure, (*walk.closed,))
    if walk.lost:
        cure = "bench does not follow links to folders; put the files there, or remove the links"
        title = "links to folders, or to nothing"
        yield Finding("lost-link", "warning", title, cure, (*walk.lost,))
    if walk.links:
        cure = "they break when the folder is copied; put the files there"
        yield Finding("link", "note", "links to files", cure, (*walk.links,))


def _file(name: str, path: Path) -> FoundFile:
    return FoundFile(name, path.read_bytes, partial(_head, path))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _of_table(listing: Listing) -> Inventory:
    files, missing, findings = [], [], []
    for one in listing.items:
        path = _listed(listing.path.parent, one.item)
        if path is None:
            missing.append(Affected(readable(one.item), f"row {one.row}"))
            continue
        found = _file(one.item, path)
        files.append(replace(found, class_name=one.class_name, split=one.split, group=one.group))
    if missing:
        cure = "mend their paths, which start at the table's folder, or remove the rows"
        findings.append(Finding("missing", "error", "files that do not exist", cure, (*missing,)))
    if listing.dropped:
        rows = (Affected(listing.path.name, f"{listing.dropped} rows"),)
        title = "rows that repeat others"
        findings.append(Finding("repeated", "error", title, "remove all but one of each", rows))
    return Inventory(listing.path, (*files,), (*findings,), is_table=True)


def _listed(folder: Path, item: str) -> Path | None:
    """Returns the file that a table names, however its accents are encoded; None if none is."""
    spellings = (item, *(unicodedata.normalize(form, item) for form in ("NFC", "NFD")))
    candidates = (folder / spelled for spelled in (*spellings, item.replace("\\", "/")))
    return next(filter(Path.is_file, candidates), None)

"""Archives: zip, tar and compressed files, unpacked whole or not at all, and never elsewhere.

What an archive may not have: entries that lead out of it, links, devices, two entries for one file,
and far more content than its size lets expect (a "bomb").
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO, Self, cast

from bench.bytesize import in_bytes
from bench.errors import BenchError
from bench.filetree import check_inside
from bench.locking import alone

MOST_TIMES = 250
"""An archive may unpack to this many times its own size,"""
ALWAYS_FINE = 200_000_000
"""or to this many bytes, if that is more,"""
MOST_BYTES = 2_000_000_000_000
"""but never to more bytes than this,"""
MOST_ENTRIES = 30_000_000
"""nor to more files than this."""

_DAMAGE = (
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error),
    *(lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
)
_COMPRESSED: dict[bytes, Callable[..., Any]] = {  # each gives a file, but not as one type
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
_ENDS = tuple(getattr(tarfile, name) for name in ("EOFHeaderError", "EmptyHeaderError"))
_CHUNK = 1 << 20
_BLOCK = 512
_IN_UTF8, _ENCRYPTED = 0x800, 0x1
_NO_FILE = "which is a link, a device or the like"


@dataclass(frozen=True)
class Entry:
    """A file in an archive: its path there, with `/`, its size, and its content.

    `file` can be read until the next entry is asked for.
    """

    name: str
    size: int
    file: BinaryIO


def unpack(archive: Path, target: Path) -> Path:
    """Unpacks an archive into the folder `target`, and returns that; if it is there, that is all.

    An archive that holds nothing but one folder of the target's name is unpacked without that. A
    compressed file that is no archive becomes the only file in the folder, named without its last
    suffix. Times, owners and rights are not kept. The folder appears when it is whole.

    Raises:
        BenchError: the archive is damaged, or has what no archive may have; it names the entry.
        OSError: the folder cannot be written, or the disk is full.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with alone(target):
        if target.is_dir() and any(target.iterdir()):
            return target
        draft = target.with_name(f".{target.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        try:
            draft.mkdir()
            for entry in entries(archive):
                if not entry.name.startswith("__MACOSX/"):
                    _write(entry, draft, archive)
            if not any(draft.iterdir()):
                raise BenchError(f"the archive {archive} is empty; get it from its publisher again")
            inner = draft / target.name
            whole = inner if [*draft.iterdir()] == [inner] and inner.is_dir() else draft
            if target.is_dir():
                target.rmdir()  # it is empty
            whole.replace(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return target


def entries(archive: Path) -> Iterator[Entry]:
    """Yields the files of a zip, a tar of any compression, or the one in a compressed file.

    They come in the order in which they are stored; names were checked to lead nowhere else.

    Raises:
        BenchError: it is damaged, none of these, or has what no archive may have.
    """
    with _damage(archive):
        with archive.open("rb") as file:
            head = file.read(6)
        if head[:4] in (b"PK\3\4", b"PK\5\6"):
            yield from _of_zip(archive)
            return
        opener = next((o for magic, o in _COMPRESSED.items() if head.startswith(magic)), None)
        with (opener or open)(archive, "rb") as stream:
            is_tar = _is_tar(stream.read(_BLOCK), archive.name)
        with (opener or open)(archive, "rb") as stream:
            limited = cast(BinaryIO, _Limited(stream, _Budget(archive)))
            if is_tar:
                yield from tar_entries(limited, archive)
                while limited.read(_CHUNK):
                    pass  # at the end is the checksum of what was compressed
                return
            if opener:
                yield Entry(archive.stem, -1, limited)
                return
    raise BenchError(f"{archive} is no zip, no tar and no compressed file")


def tar_entries(file: BinaryIO, where: Path) -> Iterator[Entry]:
    """Yields the files of a tar that is not compressed, such as one within another.

    `where` names it in messages.

    Raises:
        BenchError: it is damaged, or has what no archive may have.
    """
    with _damage(where):
        tar = tarfile.open(fileobj=file, mode="r|", tarinfo=_StrictHeader)  # noqa: SIM115  # read on
        number = 0
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # they would pile up
            number += 1
            name = _checked(_without_surrogates(member.name), member.isdir(), number, where)
            if member.isdir():
                continue
            if not member.isfile() or member.issparse():
                raise _unfit(where, name, _NO_FILE)
            yield Entry(name, member.size, cast(BinaryIO, tar.extractfile(member)))


class _StrictHeader(tarfile.TarInfo):
    """A header of a tar; a damaged one is an error, and not taken for the end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tar)
        except tarfile.HeaderError as error:
            if isinstance(error, _ENDS):
                raise
            raise tarfile.ReadError(str(error)) from error


def _is_tar(block: bytes, name: str) -> bool:
    """Tells whether a file is a tar, by its first block; an empty one has only zeros."""
    if block == bytes(_BLOCK):
        return ".tar" in name or name.endswith((".tgz", ".tbz2", ".txz"))
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _of_zip(archive: Path) -> Iterator[Entry]:
    budget = _Budget(archive)
    with zipfile.ZipFile(archive) as opened:
        for number, info in enumerate(opened.infolist(), 1):
            name = info.filename if info.flag_bits & _IN_UTF8 else _utf8(info.filename)
            name = _checked(name, info.is_dir(), number, archive)
            if info.is_dir():
                continue
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                raise _unfit(archive, name, _NO_FILE)
            if info.flag_bits & _ENCRYPTED:
                raise _unfit(archive, name, "which is encrypted: unpack it by hand")
            with _damage(archive, name), opened.open(info) as content:
                yield Entry(name, info.file_size, cast(BinaryIO, _Limited(content, budget)))


def _checked(name: str, is_folder: bool, number: int, archive: Path) -> str:
    """Returns the name of an entry with `/`; raises BenchError if it may not be."""
    if number > MOST_ENTRIES:
        raise BenchError(f"the archive {archive} has more than {MOST_ENTRIES:,} entries")
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if "\0" in name or (not parts and not is_folder):
        raise _unfit(archive, name.replace("\0", "?"), "which is no name of a file")
    if parts:
        check_inside(name, archive)
    return "/".join(parts)


def _utf8(name: str) -> str:
    """Returns a zip's name as UTF-8 if its bytes are that, though the zip does not say so."""
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _without_surrogates(name: str) -> str:
    """Returns a tar's name, read as Latin-1 if it is not in UTF-8."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("latin-1")
    return name


class _Budget:
    """How many bytes an archive may still unpack to."""

    def __init__(self, archive: Path) -> None:
        size = archive.stat().st_size
        self._archive = archive
        self._most = self._left = min(MOST_BYTES, max(ALWAYS_FINE, MOST_TIMES * size))

    def spend(self, count: int) -> None:
        """Takes away what was unpacked; raises BenchError if that is too much."""
        self._left -= count
        if self._left < 0:
            raise BenchError(
                f"the archive {self._archive} unpacks to more than {in_bytes(self._most)}, too "
                f"much for its size ({MOST_TIMES} times that at most); it was not unpacked"
            )


class _Limited(io.BufferedIOBase):
    """A file that is read within a budget."""

    def __init__(self, file: IO[bytes], budget: _Budget) -> None:
        self._file, self._budget = file, budget

    def read(self, size: int | None = -1, /) -> bytes:
        """Returns up to `size` bytes, or all there are."""
        if size is not None and size >= 0:
            content = self._file.read(size)
            self._budget.spend(len(content))
            return content
        return b"".join(iter(partial(self.read, _CHUNK), b""))


def _write(entry: Entry, folder: Path, archive: Path) -> None:
    """Writes one file below a folder."""
    path = folder / entry.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        out = path.open("xb")
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise _unfit(archive, entry.name, "whose place another entry has taken") from error
    with out:
        while chunk := _content(entry, archive):
            out.write(chunk)


def _content(entry: Entry, archive: Path) -> bytes:
    with _damage(archive, entry.name):
        return entry.file.read(_CHUNK)


def _unfit(archive: Path, name: str, why: str) -> BenchError:
    return BenchError(f"the archive {archive} has an entry '{name}', {why}; it was not unpacked")


@contextmanager
def _damage(archive: Path, name: str = "") -> Iterator[None]:
    """Turns what reading a damaged archive raises into one line."""
    try:
        yield
    except _DAMAGE as error:
        place = f", at '{name}'" if name else ""
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BenchError(
            f"the archive {archive} is damaged{place} ({reason}); delete it and get it again"
        ) from error

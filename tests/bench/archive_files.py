"""What tests of archives share: archives of every kind, and what comes out or does not."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.archives import unpack
from bench.errors import BenchError

FILES = {"a.txt": b"one", "b/c.txt": b"two", "b/d/Ünïcode ß.txt": b"three", "b/empty": b""}


def write_zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def write_tar(path: Path, files: dict[str, bytes], compression: str = "") -> None:
    with tarfile.open(path, f"w:{compression}") as archive:  # type: ignore[call-overload]  # str
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


Write = Callable[[Path, dict[str, bytes]], None]
KINDS: dict[str, Write] = {
    "zip": write_zip,
    "tar": write_tar,
    "gz": lambda path, files: write_tar(path, files, "gz"),
    "bz2": lambda path, files: write_tar(path, files, "bz2"),
    "xz": lambda path, files: write_tar(path, files, "xz"),
}
every_kind = pytest.mark.parametrize("write", KINDS.values(), ids=KINDS)
zip_and_tar = pytest.mark.parametrize("write", [write_zip, write_tar])


def content_of(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def assert_refused(archive: Path, *words: str) -> None:
    """Asserts that it is not unpacked, that one line says why, and that nothing was left."""
    around = archive.parent
    before = sorted(around.rglob("*"))
    with pytest.raises(BenchError) as caught:
        unpack(archive, around / "target")
    for word in (str(archive), *words):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(around.rglob("*")) == before

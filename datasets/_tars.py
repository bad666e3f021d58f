"""Tars that are not compressed: their files are read where they lie, so nothing is unpacked."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import BenchError, FileTree


@dataclass(frozen=True)
class Stretch:
    """Where the content of a file lies within a tar, in bytes."""

    start: int
    size: int


def open_tar(path: Path, start: int = 0) -> FileTree:
    """Returns the files of a tar, or of that which begins at byte `start` of another.

    Links and devices are left out.

    Raises:
        BenchError: it is compressed, no tar, or damaged.
    """
    readers: dict[str, Callable[[], bytes]] = {
        name: partial(_content, path, name, stretch)
        for name, stretch in sorted(stretches(path, start).items())
    }
    return FileTree(path, readers)


def stretches(path: Path, start: int = 0) -> dict[str, Stretch]:
    """Returns where the files of a tar lie, by their names; raises BenchError as `open_tar`."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            with tarfile.open(fileobj=file, mode="r:") as tar:
                return {
                    member.name: Stretch(member.offset_data, member.size)
                    for member in tar
                    if member.isreg() and not member.issparse()
                }
    except (OSError, tarfile.TarError, EOFError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise BenchError(
            f"{path} cannot be read as a tar ({reason}); if it is compressed, unpack it and name "
            "the folder"
        ) from error


def _content(path: Path, name: str, stretch: Stretch) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(stretch.start)
            content = file.read(stretch.size)
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error})") from error
    if len(content) < stretch.size:
        raise BenchError(f"{path} ends within {name}; get it again")
    return content

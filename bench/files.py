"""Files, written whole or not at all."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Writes `content` to `path`: a reader sees the old file or the new one, never a part."""
    replace_atomically(path, lambda draft: draft.write_bytes(content))


def replace_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Has `write` fill a draft beside `path`, then gives the draft its name."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        write(draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def source_digest(cls: type) -> str:
    """Returns the sha256 of the source file that a class comes from, or '' if it has none."""
    try:
        path = inspect.getsourcefile(cls)
    except (TypeError, OSError):  # a class made in an interactive session
        return ""
    return sha256_of(Path(path)) if path and Path(path).is_file() else ""


def sha256_of(path: Path) -> str:
    """Returns the sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

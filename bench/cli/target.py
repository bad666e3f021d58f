"""Targets: files that a command will write, looked at before it computes anything."""

from __future__ import annotations

import os
from pathlib import Path

from bench.errors import BenchError


def check_target(path: Path, flag: str) -> None:
    """Raises BenchError if a file could not be written there; `flag` is where it was named."""
    folder = path.absolute().parent
    if path.is_dir():
        raise BenchError(f"{flag} {path} is a folder; name a file")
    if not folder.is_dir():
        raise BenchError(f"{flag} {path}: there is no folder {folder}; make it, or name another")
    if not os.access(folder, os.W_OK):
        raise BenchError(f"{flag} {path} cannot be written: no permission for {folder}")

"""Locks: one process at a time makes a file or folder; the others wait, and then find it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Keeps other processes out for as long as the context lasts, by a hidden file beside `target`.

    Whoever enters must look whether `target` is there already: it was made by those before. The
    hidden file is removed again, so that nothing is left in folders of the user's.

    Raises:
        OSError: the folder around `target` is missing or cannot be written.
    """
    path = target.with_name(f".{target.name}.lock")
    lock = filelock.FileLock(path)
    lock.acquire()
    while not path.exists():  # who had it before removed it, and another may hold a new one
        lock.release()
        lock.acquire()
    try:
        yield
    finally:
        with suppress(OSError):  # on Windows it cannot be removed while others wait
            path.unlink()
        lock.release()

"""The firewall of the test set: who may open the test data, and how often it was opened.

The files of a cached dataset's test split can be read only within `open_test`, which says what
for; each such opening is a `TestUse`, which the record of the run keeps. Anywhere else in this
process, reading them fails, whichever way they are opened: `CachedDataset.pool("test")`, `open`,
`os.open`, `numpy.fromfile`, `numpy.memmap`, `pathlib`, through a link, after renaming. While code
of a plugin runs, `open_test` fails as well. An attempt that the plugin hides fails its run.

It is a fence, not a sandbox: Python runs harness and plugin in one process. It does not stop
native code that opens files by itself (ctypes, torch.from_file), another process that a plugin
starts, code that tampers with the harness, nor the making of the data anew from the files of its
source. Test data that was loaded stays in memory (a large split stays mapped) while the
algorithm is evaluated, for whoever walks through the harness's objects.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from bench.errors import BenchError, RunFailed
from bench.measurements import TestUse

TEST_FILES = ("test.bin", "test.targets.bin")
"""The names of the guarded files in a dataset's folder of the cache."""

_Identity = tuple[int, int, int, int]


@dataclass(eq=False)
class _PluginCode:
    """Code of a plugin that runs now, and what it tried."""

    name: str
    doing: str
    attempt: str = ""


class _Here(threading.local):
    """How many openings this thread is within."""

    opened = 0


_here = _Here()
_running: list[_PluginCode] = []  # in whatever thread: methods may start some
_caches: set[str] = set()  # folders of datasets' folders
_guarded: set[_Identity] = set()
_installing = threading.Lock()


def guard(folder: Path) -> None:
    """Closes the test files of the cached dataset in `folder`, and of its neighbours."""
    with _installing:
        if not _caches:
            sys.addaudithook(_watch)  # it stays as long as the process
        _caches.add(str(folder.parent.resolve()))
        _guarded.update(filter(None, (_identity(folder / name) for name in TEST_FILES)))


@contextmanager
def open_test(purpose: str, episodes: int) -> Iterator[TestUse]:
    """Lets this thread read test data, and yields the use to be recorded, its sha256 still empty.

    Raises:
        RunFailed: code of a plugin runs.
    """
    if _running:
        _refuse("the test data")
    use = TestUse(purpose, datetime.now(UTC).isoformat(timespec="seconds"), episodes)
    _here.opened += 1
    try:
        yield use
    finally:
        _here.opened -= 1


def check_open(split: str) -> None:
    """Raises if `split` is the test split and this thread may not read it.

    Raises:
        RunFailed: code of a plugin runs.
        BenchError: nobody said what for.
    """
    if split == "test" and not _may_read():
        _refuse("the test split")


@contextmanager
def plugin_running(name: str, doing: str) -> Iterator[None]:
    """Marks what is done within as code of the plugin `name`.

    Raises:
        RunFailed: it tried to get at test data, even if it went on as if nothing had happened.
    """
    code = _PluginCode(name, doing)
    _running.append(code)
    try:
        yield
    finally:
        _running.remove(code)
    if code.attempt:
        raise _failure(code)


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    """The audit hook: refuses to open a test file for reading unless this thread may."""
    if event != "open" or _may_read():
        return
    target, _, flags = arguments
    if not isinstance(target, str | bytes | os.PathLike):
        return  # a file that is open already
    if isinstance(flags, int) and flags & 3 == os.O_WRONLY:
        return
    path = Path(os.fsdecode(target))
    if _is_test_file(path):
        _refuse(path.name)


def _may_read() -> bool:
    """Tells whether this thread is within an opening, and in no plugin's code there."""
    return _here.opened > 0 and not _running


def _is_test_file(path: Path) -> bool:
    """Tells whether a path is that of a guarded file, under whatever name."""
    if path.name in TEST_FILES:
        if str(path.resolve().parent.parent) in _caches:
            return True
        if not path.is_absolute() and not path.exists() and _running:
            return True  # relative to a folder that was opened before
    return _identity(path) in _guarded


def _identity(path: Path) -> _Identity | None:
    """Returns what a file keeps when it is renamed or linked to; None if there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _refuse(what: str) -> NoReturn:
    """Raises, and keeps the attempt for the case that the plugin hides it."""
    if not _running:
        raise BenchError(
            f"{what} is closed: training and validation may not read it; what the harness reads "
            "of it, it reads within bench.firewall.open_test(purpose, episodes)"
        )
    _running[-1].attempt = what
    raise _failure(_running[-1])


def _failure(code: _PluginCode) -> RunFailed:
    return RunFailed(
        f"{code.name} tried to open {code.attempt} while {code.doing}; test data is closed to "
        "algorithms: take what opens it out of the plugin"
    )

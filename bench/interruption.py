"""Ctrl-C while the program is still being loaded: one line, and out.

An exception in the middle of an import may be swallowed by the module, or come out as another one;
and before the command line is there, nobody would catch it. Nothing has been written by then, so
there is nothing to clear up.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

EXIT_INTERRUPTED = 2


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Lets Ctrl-C end the process, with its exit code, for as long as the context lasts."""
    if threading.current_thread() is not threading.main_thread():  # others have no signals
        yield
        return
    kept = signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)


def _leave(*_: object) -> None:
    os.write(2, b"bench: interrupted\n")
    os._exit(EXIT_INTERRUPTED)

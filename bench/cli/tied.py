"""`python -m bench.cli.tied`: the command line, ended with the process that started it.

Its standard input is a pipe that nobody writes to. When whoever holds the other end is gone, even
killed, the pipe ends, and the command is asked to stop as by a termination: after its step, so
that it can go on later.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from bench.__main__ import main


def tie() -> None:
    """Begins to wait, beside all else, for the end of standard input."""
    threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    tie()
    sys.argv[0] = "bench"  # records say how they came about, and this is the same command
    main()

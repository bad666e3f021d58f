"""Ctrl-C while the program is loaded: one line, the exit code of an interruption, no traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from bench.interruption import leaving_at_once

SWALLOWS = """
import os, signal
from bench.interruption import leaving_at_once
with leaving_at_once():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # as a module does that is interrupted half imported
        pass
print("still there")
"""

WITH_SIGNAL = """
import builtins, os, signal, sys
plain = builtins.__import__
def interrupted(name, *rest, **more):
    if name == {name!r}:
        os.kill(os.getpid(), signal.SIGINT)
    return plain(name, *rest, **more)
builtins.__import__ = interrupted
sys.argv = ["bench", "list"]
from bench.__main__ import main
main()
"""


def ended(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize(
    "code",
    [SWALLOWS, *(WITH_SIGNAL.format(name=n) for n in ("click", "torch", "fontTools.ttLib"))],
    ids=["swallowed", "command line", "torch", "plugin"],
)
def test_it_is_told_in_one_line(code: str) -> None:
    done = ended(code)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "bench: interrupted\n")


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    with leaving_at_once():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_a_thread_that_gets_no_signals_is_let_be() -> None:
    before, inside = signal.getsignal(signal.SIGINT), []

    def load() -> None:
        with leaving_at_once():
            inside.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=load)
    thread.start()
    thread.join()
    assert inside == [before]

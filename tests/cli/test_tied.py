"""`python -m bench.cli.tied`: a command that ends with the process that started it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

SCRIPT = """
import time
from bench.cli.tied import tie
tie()
print("tied", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to name")
def test_it_is_asked_to_stop_when_its_standard_input_ends() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdin=pipe, stdout=pipe) as child:
        assert child.stdin
        assert child.stdout
        assert child.stdout.readline() == b"tied\n"
        assert child.poll() is None
        child.stdin.close()
        assert child.wait(50) == -signal.SIGTERM

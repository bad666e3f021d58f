"""A suite's child process: one command, its log, and how it ended.

Each is a session of its own, so that Ctrl-C reaches it once, through this process; when this
process is killed, the child notices. This module imports neither torch nor algorithms.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import Busy, Interrupted
from bench.suite.jobs import Job

GRACE = 10.0
"""Seconds that a child has to stop before it is killed."""
_TAIL = 4096
_SAYS = "bench: "


@dataclass(frozen=True)
class Attempt:
    """How a job ended: its exit code, why if it is not 0, and how many seconds it took."""

    job: Job
    code: int
    reason: str
    seconds: float

    @property
    def elsewhere(self) -> bool:
        """Whether it was left to another process, which is working on it."""
        return self.code == Busy.exit_code

    @property
    def failed(self) -> bool:
        """Whether it ended, neither well nor because another has it or told it to stop."""
        stopped = (Interrupted.exit_code, -signal.SIGTERM, -signal.SIGINT)
        return self.code not in (0, *stopped) and not self.elsewhere


class Child:
    """A job that runs, and writes into its log."""

    def __init__(self, job: Job, command: Sequence[str], log: Path, more: Mapping[str, str]):
        self.job, self._log = job, log
        environment = {**os.environ, **more, "OMP_NUM_THREADS": "1"}
        with log.open("ab") as file:
            file.write(f"$ bench {' '.join(job.words)}\n".encode())
            file.flush()
            self._begin = file.tell()
            self._started = self.told = time.monotonic()
            self._process = subprocess.Popen(
                [*command, *job.words],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    def end(self) -> Attempt | None:
        """Returns how it ended, or None if it has not."""
        code = self._process.poll()
        if code is None:
            return None
        if self._process.stdin:
            self._process.stdin.close()
        return Attempt(self.job, code, self._reason(code), time.monotonic() - self._started)

    def stop(self) -> None:
        """Asks it to stop: after its step, or at once if it was asked before."""
        self._process.terminate()

    def make_end(self) -> None:
        """Gives it a moment to stop, then kills it."""
        self.stop()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_line(self) -> str:
        """Returns the last line that it wrote and that says something; '' if there is none yet."""
        return next((line.strip() for line in reversed(self._lines()) if line.strip()), "")

    def _lines(self) -> list[str]:
        with self._log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(self._begin, size - _TAIL))
            return file.read().decode(errors="replace").split("\n")[:-1]

    def _reason(self, code: int) -> str:
        if code == 0:
            return ""
        said = [line for line in self._lines() if line.startswith(_SAYS)]
        if said:
            return said[-1].removeprefix(_SAYS)
        return f"ended by signal {-code}" if code < 0 else f"exit code {code}, see {self._log}"

"""The suite runner: child processes that make a suite's tests, some at a time, and their end.

Each child is a session of its own, so that Ctrl-C reaches it once, through this process; when this
process is killed, the children notice. This module imports neither torch nor algorithms.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.errors import BenchError, Interrupted
from bench.suitefailures import forget, remember
from bench.suitejobs import Job, Kind, Plan, chains
from bench.suitestate import Found

LOGS = ".logs"
"""The folder of the logs, in that of the results; it keeps itself out of git."""
LOOK_EVERY, TELL_EVERY, GRACE = 0.2, 60.0, 10.0
"""Seconds between looks at the children, between lines about each, and before one is killed."""
BENCH = (sys.executable, "-m", "bench.cli.tied")
"""The command of a child, which ends when this process is gone, and with it the pipe to it."""
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
    def failed(self) -> bool:
        """Whether it ended, neither well nor because it was told to stop, by us or another."""
        return self.code not in (0, Interrupted.exit_code, -signal.SIGTERM, -signal.SIGINT)


class Report(Protocol):
    """Who is told what happens."""

    def started(self, job: Job) -> None:
        """Hears that a job begins."""

    def goes_on(self, job: Job, text: str) -> None:
        """Hears, now and then, the last line that a job wrote."""

    def ended(self, attempt: Attempt) -> None:
        """Hears how a job ended."""


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


@dataclass
class Conductor:
    """Makes what is missing of a suite, `jobs` commands at a time, in the order of the suite.

    `look` returns the suite's tests as they are now; `stop` says when to end. `more` are variables
    of the children's environment.
    """

    plan: Plan
    look: Callable[[], Sequence[Found]]
    stop: Callable[[], bool]
    report: Report
    jobs: int = 1
    command: Sequence[str] = field(default_factory=lambda: BENCH)
    more: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> tuple[Attempt, ...]:
        """Does all there is to do, or as much as there is time for; returns what was tried.

        Raises:
            BenchError: the folder cannot be written.
        """
        make_logs(self.plan.folder)
        found = self.look()
        lines = chains([one.test for one in found])
        attempts: list[Attempt] = []
        running: dict[int, Child] = {}
        tried: set[tuple[int, Kind]] = set()
        try:
            while True:
                if self.stop():
                    self._wait(running, attempts)
                elif len(running) < self.jobs:
                    self._start_more(found, lines, running, tried)
                if not running:
                    return tuple(attempts)
                time.sleep(LOOK_EVERY)
                before = len(attempts)
                if self._collect(running, attempts):
                    found = self.look()
                    self._remember(found, attempts[before:])
        finally:
            for child in running.values():
                child.make_end()

    def _start_more(
        self,
        found: Sequence[Found],
        lines: Sequence[Sequence[int]],
        running: dict[int, Child],
        tried: set[tuple[int, Kind]],
    ) -> None:
        """Starts jobs of the first chains that have any, as many as there is room for."""
        for number, chain in enumerate(lines):
            if len(running) == self.jobs:
                return
            job = None if number in running else self.plan.next_job(found, chain, tried)
            if job:
                tried.add((job.place, job.kind))
                self.report.started(job)
                logs = self.plan.folder / LOGS
                forget(logs, found[job.place])
                running[number] = Child(job, self.command, logs / job.log, self.more)

    def _remember(self, found: Sequence[Found], attempts: Sequence[Attempt]) -> None:
        """Keeps why tests could not begin; on a full disk they are tried again next time."""
        for attempt in attempts:
            if attempt.failed:
                with suppress(OSError):
                    place, logs = attempt.job.place, self.plan.folder / LOGS
                    remember(logs, found, place, self.plan.common, attempt.reason)

    def _wait(self, running: dict[int, Child], attempts: list[Attempt]) -> None:
        """Asks all to stop, and waits until they have; a KeyboardInterrupt ends them at once."""
        for child in running.values():
            child.stop()
        while running:
            time.sleep(LOOK_EVERY)
            self._collect(running, attempts)

    def _collect(self, running: dict[int, Child], attempts: list[Attempt]) -> bool:
        """Takes out who has ended, lets others be heard now and then; tells whether any ended."""
        before = len(attempts)
        for number, child in tuple(running.items()):
            attempt = child.end()
            if attempt:
                del running[number]
                attempts.append(attempt)
                self.report.ended(attempt)
            elif time.monotonic() - child.told >= TELL_EVERY:
                child.told = time.monotonic()
                self.report.goes_on(child.job, child.last_line())
        return len(attempts) > before


def make_logs(folder: Path) -> Path:
    """Makes the folder of the logs, which git does not see.

    Raises:
        BenchError: it cannot be written.
    """
    logs = folder / LOGS
    try:
        logs.mkdir(exist_ok=True)
        (logs / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise BenchError(
            f"cannot write to {logs} ({error.strerror or error}); make a copy of the suite where "
            "you may write"
        ) from None
    return logs

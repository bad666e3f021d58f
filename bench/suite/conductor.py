"""The conductor of a suite: child processes that make its tests, some at a time, and their end.

This module imports neither torch nor algorithms.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from bench.errors import BenchError, Busy
from bench.suite.child import Attempt, Child
from bench.suite.failures import forget, remember
from bench.suite.jobs import Job, Kind, Plan, chains
from bench.suite.state import Found

LOGS = ".logs"
"""The folder of the logs, in that of the results; it keeps itself out of git."""
LOOK_EVERY, TELL_EVERY = 0.2, 60.0
"""Seconds between looks at the children, and between lines about each."""
BENCH = (sys.executable, "-m", "bench.cli.tied")
"""The command of a child, which ends when this process is gone, and with it the pipe to it."""


class Report(Protocol):
    """Who is told what happens."""

    def started(self, job: Job) -> None:
        """Hears that a job begins."""

    def goes_on(self, job: Job, text: str) -> None:
        """Hears, now and then, the last line that a job wrote."""

    def ended(self, attempt: Attempt) -> None:
        """Hears how a job ended."""


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
                    found = self._start_more(found, lines, running, tried)
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
    ) -> Sequence[Found]:
        """Starts jobs of the first chains that have any, as many as there is room for.

        Before each it looks again, as another suite may have made that test; returns what it saw.
        """
        for number, chain in enumerate(lines):
            if len(running) == self.jobs:
                break
            if number in running or not self.plan.next_job(found, chain, tried):
                continue
            found = self.look()
            job = self.plan.next_job(found, chain, tried)
            if job:
                tried.add((job.place, job.kind))
                self.report.started(job)
                logs = self.plan.folder / LOGS
                forget(logs, found[job.place])
                running[number] = Child(job, self.command, logs / job.log, self.more)
        return found

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
                attempt = self._excused(attempt)
                attempts.append(attempt)
                self.report.ended(attempt)
            elif time.monotonic() - child.told >= TELL_EVERY:
                child.told = time.monotonic()
                self.report.goes_on(child.job, child.last_line())
        return len(attempts) > before

    def _excused(self, attempt: Attempt) -> Attempt:
        """Returns what failed as left to another if that has made the test: it is there now."""
        if not attempt.failed or attempt.job.kind == "verifying":
            return attempt
        done = self.look()[attempt.job.place].state == "done"
        return replace(attempt, code=Busy.exit_code) if done else attempt


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

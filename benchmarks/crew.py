"""The crew: workers by threads, allocator and package, started when first needed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from benchmarks import messages

ROOT = Path(__file__).resolve().parent.parent
GRACE = 20
"""Seconds that a worker has to end."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Seat:
    """What a worker is like: the package it works with, threads, and whether glibc was told."""

    package: str
    threads: int
    keeps_blocks: bool


class Crew:
    """Running workers; leaving its context ends them."""

    def __init__(self) -> None:
        self._workers: dict[Seat, _Process] = {}

    def ask(self, seat: Seat, request: messages.Request) -> messages.Reply:
        """Sends a request to the worker in that seat and waits for its reply."""
        if seat not in self._workers:
            self._workers[seat] = _Process(seat)
        reply = self._workers[seat].ask(request)
        if reply is None:
            reason = f"the worker ended: {self._workers.pop(seat).end()}"
            return messages.Failed(reason, mendable=False)
        return reply

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._workers:
            self._workers.popitem()[1].end()


class _Process:
    """One worker and the pipes to it."""

    def __init__(self, seat: Seat) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by end()
        count = {name: str(seat.threads) for name in THREAD_VARIABLES}
        flags = ["--keep-large-blocks"] if seat.keeps_blocks else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            env=os.environ | count,
        )

    def ask(self, request: messages.Request) -> messages.Reply | None:
        """Returns the reply, or None if the worker has ended."""
        requests, replies = self._process.stdin, self._process.stdout
        if requests is None or replies is None:
            return None
        try:
            requests.write(msgspec.json.encode(request) + b"\n")
            requests.flush()
        except OSError:
            return None
        line = replies.readline()
        if not line:
            return None
        reply: messages.Reply = msgspec.json.decode(line, type=messages.Reply)
        return reply

    def end(self) -> str:
        """Ends the worker; returns the last line that it wrote to standard error.

        It ends by itself when there are no more requests, and cleans up then.
        """
        try:
            self._process.communicate(timeout=GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        self._errors.close()
        return lines[-1] if lines else f"exit status {self._process.returncode}"

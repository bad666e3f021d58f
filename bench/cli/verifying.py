"""Verifying runs for `bench verify`: one after another, or some side by side in processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.loading import load_plugins
from bench.errors import BenchError, RunFailed

if TYPE_CHECKING:
    from bench.results import RunRecord
    from bench.verification import Kept, Verification


@dataclass(frozen=True)
class Asked:
    """What is asked of each run: the options of the command."""

    evaluation: bool
    threads: int | None
    write: bool
    device: str
    data_root: str | None
    plugin: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """A run and what was found of it, or why it could not be verified; and what was kept."""

    run: Path
    found: Verification | BenchError
    kept: Kept = "nothing"


def judge(run: Path, asked: Asked, shows: bool = True) -> Judged:
    """Verifies one run and keeps it, if that is asked for; `shows` has it tell its progress."""
    from bench.verification import without_evaluation

    try:
        if not asked.evaluation:
            return Judged(run, without_evaluation(run))
        found = _verified(run, asked, shows)
    except BenchError as error:
        return Judged(run, error)
    return Judged(run, found, _kept(run, found) if asked.write else "nothing")


def side_by_side(runs: Sequence[Path], asked: Asked, jobs: int) -> Generator[Judged]:
    """Yields what is found of each run, as it is found, `jobs` of them at a time.

    Each is verified by a process that neither Ctrl-C nor the end of this one leaves behind.

    Raises:
        RunFailed: a process was killed.
    """
    click.echo(f"verifying {len(runs)} runs, {jobs} at a time", err=True)
    with _processes(jobs) as pool:
        given: list[Future[Judged]] = [pool.submit(judge, run, asked, False) for run in runs]
        try:
            for future in as_completed(given):
                yield future.result()
        except BrokenProcessPool:
            raise RunFailed(
                f"one of the {jobs} processes was killed, as it is when memory runs out; what was "
                "verified is kept, for the rest give a smaller --jobs"
            ) from None


@contextmanager
def _processes(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes, ended with the context, whatever they are doing."""
    spawning = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, spawning, _begin)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()


def _begin() -> None:
    """Leaves Ctrl-C to the process that started this one, and ends when that does."""
    if sys.platform != "win32":  # a mask holds while plugins load, when a handler would not
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    else:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        connection.wait([parent.sentinel])
        os._exit(1)


def _verified(run: Path, asked: Asked, shows: bool) -> Verification:
    registry = load_plugins(asked.plugin)
    from bench.cli.progress import bars
    from bench.runner import set_up_process
    from bench.verification import verify

    set_up_process(asked.threads or _threads_of(run))
    given = partial(verify, run, registry, data_root=asked.data_root, device=asked.device)
    if not shows:
        return given()
    with bars() as shown:
        return given(opening=shown.dataset, report=shown.evaluation)


def _kept(run: Path, found: Verification) -> Kept:
    """Keeps what was found, and tells where; on a disk that takes nothing, says so."""
    from bench.verification import keep

    try:
        return keep(run, found)
    except OSError as error:
        click.echo(f"bench: not kept: cannot write to {run} ({error.strerror or error})", err=True)
        return "nothing"


def _threads_of(run: Path) -> int | None:
    """Returns the number of threads that a run had, if this machine has as many cores."""
    from bench.results import read_run
    from bench.threads import usable_cores

    try:
        record: RunRecord = read_run(run)
    except BenchError:  # verifying says so
        return None
    threads = record.environment.threads
    return threads if 0 < threads <= usable_cores() else None

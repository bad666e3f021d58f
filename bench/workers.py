"""Worker threads: independent parts of a computation side by side, each on cores of its own.

Splitting tasks over threads beats splitting each operation over threads (OpenMP): there is no
barrier after every small operation, so two cores give nearly twice the speed of one, and another
busy process costs its share of the time and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import torch

Part = TypeVar("Part")
Answer = TypeVar("Answer")


def in_parallel(work: Callable[[Part], Answer], parts: Sequence[Part]) -> list[Answer]:
    """Returns `work(part)` for every part, in order; `torch.get_num_threads()` are shared out.

    With one part, or one thread, the work is done by the caller. An exception of the first part
    that failed is raised when all have ended.
    """
    threads = torch.get_num_threads()
    workers = min(threads, len(parts))
    if workers < 2:
        return [work(part) for part in parts]
    futures = [_executor(workers, threads // workers).submit(work, part) for part in parts]
    for future in futures:
        future.exception()  # waits, so that no part is still running when another's error is raised
    return [future.result() for future in futures]


@contextmanager
def one_thread() -> Iterator[None]:
    """Runs the caller's operations on one thread: small ones wait longer than they work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@cache
def _executor(workers: int, threads_each: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, "bench-worker", _start, (threads_each,))


def _start(threads: int) -> None:
    torch.get_num_threads()  # has this thread take the process's number now, and not again later
    torch.set_num_threads(threads)

"""Stopping: the first Ctrl-C ends a run after its step, the second at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import click


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Lets the first Ctrl-C (or termination) end the run after its step; a second ends it now."""
    asked: list[int] = []

    def handle(number: int, _: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        click.echo("stopping after this step; press Ctrl-C again to stop at once", err=True)

    kept = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, old in kept.items():
            signal.signal(number, old)

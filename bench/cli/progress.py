"""Progress on stderr: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from rich.progress import TaskID

    from bench.training import TrainingProgress

LINE_EVERY = 30.0
"""Seconds between lines where there is no terminal."""


class Bars:
    """The bars of one run: dataset, training, evaluation."""

    def __init__(self, progress: Progress, on_terminal: bool) -> None:
        self._progress, self._on_terminal = progress, on_terminal
        self._tasks: dict[str, TaskID] = {}
        self._last_line = time.monotonic()

    def dataset(self, done: int, total: int | None) -> None:
        """Shows how many classes of a dataset have been prepared."""
        self._show("preparing data", done, total, "classes")

    def download(self, name: str, done: int, total: int | None) -> None:
        """Shows how much of a file has come."""
        unit, size = ("MB", 1_000_000) if (total or done) >= 10_000_000 else ("kB", 1000)
        whole = total and -(-total // size)
        came = whole if done == total and whole else done // size
        self._show("fetching", came, whole, f"{unit} of {name}")

    def training(self, state: TrainingProgress) -> None:
        """Shows step, loss, last validation and speed of training."""
        look = f", validation {state.validation}" if state.validation else ""
        text = f"loss {state.loss:.3f}{look}, {state.tasks_per_second:.1f} tasks/s"
        self._show("training", state.step, state.steps, text)

    def evaluation(self, done: int, total: int) -> None:
        """Shows how many test episodes are done."""
        self._show("testing", done, total, "episodes")

    def validation(self, done: int, total: int) -> None:
        """Shows how many validation episodes are done, of all that are to be."""
        self._show("validating", done, total, "episodes")

    def queries(self, done: int, total: int) -> None:
        """Shows how many pictures have been labelled."""
        self._show("labelling", done, total, "pictures")

    def reading(self, done: int, total: int) -> None:
        """Shows how many files have been looked at."""
        self._show("reading", done, total, "files")

    def _show(self, what: str, done: int, total: int | None, text: str) -> None:
        if not self._on_terminal:
            now = time.monotonic()
            if done == total or now - self._last_line >= LINE_EVERY:
                self._last_line = now
                sys.stderr.write(f"{what} {done}/{total or '?'} {text}\n")
            return
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total, text=text)
        self._progress.update(self._tasks[what], completed=done, total=total, text=text)


@contextmanager
def bars() -> Iterator[Bars]:
    """Shows progress on stderr for as long as the context lasts."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:>14}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield Bars(progress, console.is_terminal)

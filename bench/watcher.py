"""Whoever watches a run: told of its progress, asked whether to stop; and the clock beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.machine import load_average
from bench.profiling import Profile
from bench.training import TrainingProgress


@dataclass(frozen=True)
class Watcher:
    """Whoever watches a run: told of its progress, and asked whether to stop."""

    training: Callable[[TrainingProgress], None] = lambda progress: None
    evaluation: Callable[[int, int], None] = lambda done, total: None
    stop: Callable[[], bool] = lambda: False
    profile: Profile = field(default_factory=Profile)


@dataclass
class Clock:
    """Wall seconds by phase, and the load of the machine when it began."""

    seconds: dict[str, float] = field(default_factory=dict)
    load_before: float | None = field(default_factory=load_average)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Adds the time spent within to that of a phase."""
        started = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - started
            self.seconds[name] = round(self.seconds.get(name, 0.0) + elapsed, 3)

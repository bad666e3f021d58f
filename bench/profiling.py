"""Profiling: where a run's time went, by phase, and a trace of a few of its steps.

Phases are timed where the harness hands over: it samples, calls `train_step`, validates and
evaluates. Within `train_step`, backward is the time in torch's differentiation (inner loops
included), the optimiser is the time in its `step`, and forward is the rest. Times are wall
seconds; on a GPU the device is waited for at each border. Where a step works in several threads,
the time each of them spends in differentiation counts as backward, on average over the threads.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, get_args

import torch
from torch.profiler import ProfilerActivity, profile

Phase = Literal["sampling", "forward", "backward", "optimiser", "validation", "evaluation", "other"]
TRACE_FILE = "trace.json.gz"
FIRST_STEP, STEPS = 3, 3
"""The steps in the trace: the first ones warm up, and each step fills some hundred kilobytes."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class PhaseTime:
    """Wall seconds of one phase, and its share of all."""

    phase: Phase
    seconds: float
    share: float


class Profile:
    """What a run tells of its phases; this one does not listen, which costs nothing."""

    def running(self) -> AbstractContextManager[None]:
        """Lasts as long as the run."""
        return nullcontext()

    def phase(self, name: Phase) -> AbstractContextManager[None]:
        """Lasts as long as one phase; a phase within another is not counted in the outer one."""
        return nullcontext()

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        """Tells of the optimiser, before training."""

    def step(self) -> None:
        """Tells that a training step begins."""


class Profiler(Profile):
    """Times the phases of one run and traces a few training steps.

    Args:
        trace: where the trace is written, in Chrome's format, compressed; its folder appears when
            the run begins.
        device: the device the run computes on.
    """

    def __init__(self, trace: Path, device: torch.device) -> None:
        self.trace, self.device = trace, device
        self._seconds: dict[Phase, float] = dict.fromkeys(get_args(Phase), 0.0)
        self._open: list[Phase] = ["other"]
        self._mark = 0.0
        self._owner = threading.get_ident()
        self._elsewhere: dict[int, float] = {}  # seconds of backward, by the number of the thread
        self._lock = threading.Lock()
        self._steps = 0
        self._tracer: profile | None = None

    def times(self) -> tuple[PhaseTime, ...]:
        """Returns the seconds of each phase; they add up to the run's, less those of tracing."""
        total = sum(self._seconds.values())
        return tuple(
            PhaseTime(phase, seconds, seconds / total if total else 0.0)
            for phase, seconds in self._seconds.items()
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Times until the context ends, however it ends."""
        self._mark, self._owner = time.perf_counter(), threading.get_ident()
        with ExitStack() as stack:
            stack.callback(self._end_trace)
            stack.enter_context(self._timed_differentiation())
            yield
            self._charge()

    @contextmanager
    def phase(self, name: Phase) -> Iterator[None]:
        """Charges the time until the context ends to this phase."""
        depth = len(self._open)
        self._enter(name)
        try:
            yield
        finally:
            self._charge()
            del self._open[depth:]
            if name == "forward":
                self._settle()

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        """Times each `step` of the optimiser that is part of a training step."""
        optimizer.register_step_pre_hook(lambda *_: self._enter("optimiser"))
        optimizer.register_step_post_hook(lambda *_: self._leave())

    def step(self) -> None:
        """Begins the trace, or ends it, when its first or last step is over."""
        self._steps += 1
        if self._steps == FIRST_STEP:
            with self._untimed():
                os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else it writes to stderr
                self._tracer = profile(activities=_activities(self.device))
                self._tracer.start()
        elif self._steps == FIRST_STEP + STEPS:
            self._end_trace()

    def _end_trace(self) -> None:
        if self._tracer is not None:
            with self._untimed():
                self._tracer.stop()
                self._tracer.export_chrome_trace(str(self.trace))
            self._tracer = None

    def _enter(self, name: Phase) -> None:
        self._charge()
        self._open.append(name)

    def _leave(self) -> None:
        self._charge()
        self._open.pop()

    def _charge(self) -> None:
        """Adds the time since the last mark to the innermost phase."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        now = time.perf_counter()
        self._seconds[self._open[-1]] += now - self._mark
        self._mark = now

    def _settle(self) -> None:
        """Moves to backward what other threads spent on it while this one waited in forward."""
        with self._lock:
            spent = [*self._elsewhere.values()]
            self._elsewhere.clear()
        if spent:
            moved = min(sum(spent) / len(spent), self._seconds["forward"])
            self._seconds["forward"] -= moved
            self._seconds["backward"] += moved

    @contextmanager
    def _untimed(self) -> Iterator[None]:
        self._charge()
        try:
            yield
        finally:
            self._mark = time.perf_counter()

    @contextmanager
    def _timed_differentiation(self) -> Iterator[None]:
        """Times torch's two entrances to differentiation for as long as the context lasts.

        Torch has hooks on single tensors and modules only; all else goes through these two.
        """
        kept = {name: getattr(torch.autograd, name) for name in ("backward", "grad")}
        for name, function in kept.items():
            setattr(torch.autograd, name, self._as_backward(function))
        try:
            yield
        finally:
            for name, function in kept.items():
                setattr(torch.autograd, name, function)

    def _as_backward(self, function: Callable[P, R]) -> Callable[P, R]:
        """Returns a function that charges its time to backward, within a training step."""

        @wraps(function)
        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            if self._open[-1] != "forward":
                return function(*args, **kwargs)
            if threading.get_ident() != self._owner:
                with self._backward_elsewhere():
                    return function(*args, **kwargs)
            with self.phase("backward"):
                return function(*args, **kwargs)

        return timed

    @contextmanager
    def _backward_elsewhere(self) -> Iterator[None]:
        started, thread = time.perf_counter(), threading.get_ident()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - started
            with self._lock:
                self._elsewhere[thread] = self._elsewhere.get(thread, 0.0) + elapsed


def _activities(device: torch.device) -> list[Any]:  # torch has no type for the members
    on_gpu = [ProfilerActivity.CUDA] if device.type == "cuda" else []
    return [ProfilerActivity.CPU, *on_gpu]

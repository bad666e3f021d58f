"""How many threads torch computes with: as many as there are cores that nobody else is using.

Torch's threads wait for one another by spinning. If another process holds one of the cores, they
wait for it at the end of every operation, and several threads are slower than one. So the
processor's own counters are read when the program starts and again when it has loaded torch, and
cores that were busy in between are left alone.

The number changes the last bits of sums. It is recorded, and a resumed run keeps it; `--threads`
or OMP_NUM_THREADS fix it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables by which a user tells torch the number."""
SHORTEST = 0.2
"""Seconds that a measurement takes at least: the counters tick a hundred times a second."""


@dataclass(frozen=True)
class Reading:
    """Seconds so far: on the clock, of work on all cores, and of this process's part of it."""

    clock: float
    work: float
    own: float


def read_processor(counters: Path = Path("/proc/stat")) -> Reading | None:
    """Returns the processor's counters; None where the system keeps none in that place."""
    try:
        user, nice, system, _, _, irq, soft, steal = map(
            int, counters.read_text().split("\n", 1)[0].split()[1:9]
        )
    except (OSError, ValueError):
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    own = os.times()
    work = (user + nice + system + irq + soft + steal) / ticks
    return Reading(time.monotonic(), work, own.user + own.system)


def busy_cores(before: Reading | None, after: Reading | None) -> float:
    """Returns how many cores others kept busy between two readings; 0 if that is not known."""
    if before is None or after is None or after.clock - before.clock < SHORTEST:
        return 0.0
    others = (after.work - before.work) - (after.own - before.own)
    return max(0.0, others / (after.clock - before.clock))


def choose_threads(
    wanted: int, busy: float, environment: Mapping[str, str] = os.environ
) -> int | None:
    """Returns how many threads to use; None leaves it to torch, as the environment tells it to.

    Args:
        wanted: what the user asked for; 0 for as many as there are free cores.
        busy: how many cores of the machine others keep busy.
        environment: the environment variables.
    """
    if wanted:
        return wanted
    if any(environment.get(name) for name in SETTINGS):
        return None
    free = (os.cpu_count() or 1) - busy
    return max(1, min(usable_cores(), round(free)))


def usable_cores(limit: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Returns how many cores this process may use, the quota of its container included."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    try:
        quota, period = limit.read_text().split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or the quota is "max"
        return cores

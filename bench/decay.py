"""Decay: how the learning rate falls over the steps of a training."""

from __future__ import annotations

import math
import re

from bench.errors import BenchError, nearest

KINDS = ("constant", "linear", "cosine", "halving:STEPS")
_HALVING = re.compile(r"halving:([1-9][0-9]*)")


def check_decay(schedule: str) -> None:
    """Raises BenchError unless a text names a schedule of the learning rate."""
    if schedule in KINDS[:3] or _HALVING.fullmatch(schedule):
        return
    if schedule.startswith("halving"):
        raise BenchError(
            f"--schedule is '{schedule}'; say after how many steps the rate is halved, and halved "
            "again: halving:2000"
        )
    raise BenchError(f"--schedule is '{schedule}'; {nearest(schedule, KINDS)}")


def decay(schedule: str, step: int, steps: int) -> float:
    """Returns the share of the learning rate that step number `step` (from 0) of `steps` uses.

    `linear` and `cosine` fall from 1 at the first step to 0 after the last; `halving:K` halves the
    rate each K steps, however many follow.
    """
    if schedule == "constant":
        return 1.0
    if schedule == "linear":
        return 1.0 - step / steps
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * step / steps))
    return float(0.5 ** (step // int(schedule.removeprefix("halving:"))))

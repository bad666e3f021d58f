"""What `bench run --profile` prints: a table of phases, and where the trace is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.profiling import Profiler


def profile_table(profiler: Profiler) -> str:
    """Returns a row for each phase of a run, their sum, and the name of the trace."""
    times = profiler.times()
    total = sum(time.seconds for time in times)
    if not total:
        return "profile: the run was complete already, so there was nothing to time"
    rows = [f"{time.phase:12}{time.seconds:10.2f}{time.share:9.1%}" for time in times]
    traced = profiler.trace if profiler.trace.exists() else "none, for lack of training steps"
    head, foot = f"{'phase':12}{'seconds':>10}{'share':>9}", f"{'all':12}{total:10.2f}{1:9.1%}"
    return "\n".join([head, *rows, foot, f"trace: {traced}"])

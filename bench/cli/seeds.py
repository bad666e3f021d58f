"""Several training seeds in one command: which they are, and what they show together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.tasks import METRICS

if TYPE_CHECKING:
    from bench.results import RunRecord

MOST = 100
"""No more seeds at a time: a slip such as 0..1000 would take weeks."""


def read_seeds(text: str) -> tuple[int, ...]:
    """Returns the seeds named by a text such as `0..4` (the last one included) or `0,3,7`.

    Raises:
        BenchError: it names none, one twice, fewer than two or more than a hundred.
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)(?:\.\.(\d+))?\s*", part)
        if not found:
            raise BenchError(f"--seeds is '{text}'; write it as 0..4 or as 0,1,2")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise BenchError(
                f"--seeds is '{text}'; {first}..{last} runs backwards: {last}..{first}"
            )
        if last - first >= MOST:
            raise BenchError(f"--seeds is '{text}'; {first}..{last} are more than {MOST} seeds")
        seeds.extend(range(first, last + 1))
    if len(set(seeds)) != len(seeds):
        raise BenchError(f"--seeds is '{text}', which names a seed twice; name each once")
    if not 2 <= len(seeds) <= MOST:
        raise BenchError(f"--seeds is '{text}'; name 2 to {MOST} seeds, or one with --seed")
    return tuple(seeds)


def seeds_summary(records: Sequence[RunRecord]) -> str:
    """Returns what runs that differ in their training seed show together: both spreads."""
    import numpy as np

    from bench.statistics import t_interval

    outcomes = [record.outcome for record in records if record.outcome]
    over = t_interval(np.array([outcome.mean for outcome in outcomes]))
    metric = METRICS[outcomes[0].metric]
    each = float(np.mean([outcome.half_width or 0.0 for outcome in outcomes]))
    factor, places = metric.factor, metric.places
    return (
        f"{records[0].algorithm.name} on {records[0].tested.name}, {over.n} training seeds: "
        f"{metric.text(over.mean, over.half_width)} (95% interval over training seeds; their "
        f"standard deviation is {factor * over.std:.{places}f})\n"
        f"each seed alone: ± {factor * each:.{places}f} on average, over the same test episodes"
    )

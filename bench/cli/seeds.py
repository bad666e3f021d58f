"""Several training seeds in one command: which they are, and what they show together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.seedlist import MOST, seeds_in
from bench.tasks import METRICS

if TYPE_CHECKING:
    from bench.results import RunRecord


def read_seeds(text: str) -> tuple[int, ...]:
    """Returns the seeds named by a text such as `0..4` (the last one included) or `0,3,7`.

    Raises:
        BenchError: it names none, one twice, fewer than two or more than a hundred.
    """
    seeds = seeds_in(text, "--seeds")
    if not 2 <= len(seeds) <= MOST:
        raise BenchError(f"--seeds is '{text}'; name 2 to {MOST} seeds, or one with --seed")
    return seeds


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

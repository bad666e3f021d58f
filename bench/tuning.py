"""Tuning: values of what only tests read, tried on validation episodes; test data stay closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.cache import Progress
from bench.checkpoint import load_into, load_weights
from bench.config import TEST_PREFIX
from bench.errors import BenchError
from bench.evaluation import Report, evaluate
from bench.parameters import Value
from bench.registry import Registry
from bench.results import CHECKPOINT_FILE
from bench.retesting import Retest, TestWishes, prepare_retest
from bench.tasks import Metric

Floats = NDArray[np.float64]
MOST = 200
"""Combinations of values; more of them choose noise."""


@dataclass(frozen=True)
class Tried:
    """Values of test parameters, and the scores (n,) of n validation episodes with them."""

    values: Mapping[str, Value]
    scores: Floats


@dataclass(frozen=True)
class Tuning:
    """What is to be tried, on how many validation episodes: the same for all combinations."""

    folder: Path
    trials: tuple[tuple[Mapping[str, Value], Retest], ...]
    episodes: int

    def run(self, report: Report = lambda done, total: None) -> Iterator[Tried]:
        """Yields each combination with its scores; nothing is written.

        Raises:
            RunFailed: the algorithm failed.
        """
        checkpoint, total = self.folder / CHECKPOINT_FILE, self.episodes * len(self.trials)
        for number, (values, retest) in enumerate(self.trials):
            job, before = retest.job, number * self.episodes
            algorithm = job.build()
            load_into(algorithm, load_weights(checkpoint, algorithm.name), checkpoint)
            found = evaluate(
                algorithm,
                job.stream("val"),
                self.episodes,
                seed=job.config.episode_seed,
                report=lambda done, _, before=before: report(before + done, total),  # type: ignore[misc]  # mypy infers no default
            )
            yield Tried(values, found.scores)


def prepare_tuning(
    folder: Path,
    registry: Registry,
    progress: Progress,
    wishes: TestWishes,
    grid: Mapping[str, Sequence[Value]],
    *,
    episodes: int | None = None,
    data_root: str | None = None,
    device: str = "auto",
) -> Tuning:
    """Looks up all that trying every combination of a grid's values takes, and checks it.

    `episodes` is by default as many as the run validated on.

    Raises:
        BenchError: the run is not complete, its weights were trained on validation classes or there
            are none, or a parameter or value is not one that tests read.
    """
    combinations = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    if len(combinations) > MOST:
        raise BenchError(
            f"--set asks for {len(combinations)} combinations, of which the best would be the "
            f"luckiest; name {MOST} at most"
        )
    for name in grid:
        if name.startswith(TEST_PREFIX):
            raise BenchError(
                f"--set {name}: that is of the test's data, which stay closed here; name a "
                "parameter of the algorithm that only tests read"
            )
    trials = []
    for values in combinations:
        wanted = replace(wishes, set=values or None)
        retest = prepare_retest(
            folder, registry, progress, wanted, out="", data_root=data_root, device=device
        )
        _check_validates(retest)
        trials.append((values, retest))
    return Tuning(folder, tuple(trials), episodes or trials[0][1].job.config.validation_episodes)


def best_of(tried: Sequence[Tried], metric: Metric) -> Tried:
    """Returns the combination with the best mean, the first of those that are alike."""
    sign = 1 if metric.higher_is_better else -1
    return max(tried, key=lambda one: sign * float(one.scores.mean()))


def _check_validates(retest: Retest) -> None:
    """Raises BenchError unless there are classes that were neither trained on nor are tested."""
    job = retest.job
    if job.validates:
        return
    if "val" not in job.data.record.splits:
        raise BenchError(
            f"{job.config.data} has no validation classes, and test data are not to choose by; see "
            "bench data split"
        )
    raise BenchError(
        f"the weights in {retest.folder} were trained on the validation classes, too (--train-on "
        f"{job.config.train_on}), so these cannot choose for them; name a run with --train-on train"
    )

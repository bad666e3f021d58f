"""Strangers: how often `bench predict` calls a picture unlike all classes, rightly and wrongly.

    python -c "from benchmarks.strangers import report; print(report('results/RUN'))"

Tasks are drawn from classes of the run's own data: five are the support's, the others are
strangers. It looks at test classes unless told otherwise; the limit's one constant was chosen on
validation classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tabulate import tabulate

from bench.dataset import Split
from bench.embedding import embedding_of
from bench.finished import read_finished, reopen
from bench.firewall import open_test
from bench.novelty import Floats, Neighbourhood
from bench.pool import ClassPool
from bench.registry import load_registry

WAYS, QUERIES, STRANGERS, TASKS = 5, 10, 50, 300
CHUNK = 64


@dataclass(frozen=True)
class Asked:
    """The novelty of pictures of the support's classes, and of others, over all tasks."""

    own: Floats
    others: Floats

    @property
    def area(self) -> float:
        """The probability that a stranger has the greater novelty (the area under the ROC)."""
        ranks = np.concatenate([self.own, self.others]).argsort().argsort() + 1
        strangers = ranks[len(self.own) :]
        count = len(strangers)
        return float((strangers.sum() - count * (count + 1) / 2) / (count * len(self.own)))


def report(
    run: str, *, split: Split = "test", data_root: str | None = None, plugins: tuple[str, ...] = ()
) -> str:
    """Returns a table: area under the ROC, false alarms and strangers found, by shots."""
    folder, registry = Path(run), load_registry(plugins)
    read_finished(folder)
    opened = reopen(folder, registry, lambda done, total: None, data_root=data_root, device="cpu")
    network = embedding_of(opened.algorithm.eval())
    with open_test("strangers", TASKS):
        pool = opened.job.data.pool(split)
    features = embedded(network or torch.nn.Flatten(), pool)
    rows = []
    for shots in (1, 2, 5, 10):
        asked = tasks(features, pool.offsets, shots)
        rows.append((shots, asked.area, (asked.own > 1).mean(), (asked.others > 1).mean()))
    heading = ("shots", "area under ROC", "false alarms", "strangers found")
    return str(tabulate(rows, heading, floatfmt=("d", ".3f", ".1%", ".1%")))


def embedded(network: Callable[[torch.Tensor], torch.Tensor], pool: ClassPool) -> Floats:
    """Returns the features (rows, d) of a pool's images.

    Where batch norm shares statistics, they are those of a batch of neighbours.
    """
    rows, parts = np.arange(len(pool.inputs)), []
    with torch.no_grad():
        for start in range(0, len(rows), CHUNK):
            inputs = pool.gather(rows[start : start + CHUNK], torch.device("cpu"))
            parts.append(network(inputs).flatten(1).double().numpy())
    return np.concatenate(parts)


def tasks(features: Floats, offsets: NDArray[np.int64], shots: int) -> Asked:
    """Returns the novelty of queries and strangers in tasks drawn by a fixed seed."""
    rng = np.random.default_rng(0)
    own, others = [], []
    queries = min(QUERIES, int(np.diff(offsets).min()) - shots)
    for _ in range(TASKS):
        order = rng.permutation(len(offsets) - 1)
        drawn = [
            rng.permutation(np.arange(offsets[c], offsets[c + 1]))[: shots + queries]
            for c in order[:WAYS]
        ]
        known = np.concatenate([rows[:shots] for rows in drawn])
        strange = np.concatenate([np.arange(offsets[c], offsets[c + 1]) for c in order[WAYS:]])
        around = Neighbourhood.of(features[known], np.repeat(np.arange(WAYS), shots), WAYS)
        own.append(around.novelty(features[np.concatenate([rows[shots:] for rows in drawn])]))
        some = rng.permutation(strange)[:STRANGERS]
        others.append(around.novelty(features[some]))
    return Asked(np.concatenate(own), np.concatenate(others))

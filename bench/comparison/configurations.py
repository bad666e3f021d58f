"""Configurations: runs that differ in the training seed alone, compared with seeds as the unit."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from bench.comparison.difference import Difference, paired, welch
from bench.comparison.holm import holm
from bench.comparison.matching import ComparedRun, Match, check_comparable, match
from bench.comparison.pairs import Comparison, Pair, conditions
from bench.comparison.rope import margin, size_of
from bench.comparison.verdict import judge
from bench.errors import BenchError
from bench.results import RunRecord
from bench.tasks import metric_of


def configuration(record: RunRecord) -> bytes:
    """Returns all that decides a run's outcome but its training seed, to be compared."""
    training = replace(
        record.training,
        seed=0,
        steps_done=0,
        best_step=0,
        best_validation_score=None,
        seconds=0.0,
        core_seconds=0.0,
        curve=(),
    )
    parts = (record.algorithm, record.data, record.test_data, record.protocol, training)
    return msgspec.json.encode(parts)


@dataclass(frozen=True)
class Configuration:
    """Runs of one configuration, a training seed each."""

    name: str
    runs: tuple[ComparedRun, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The training seeds, ascending."""
        return tuple(run.record.training.seed for run in self.runs)


def configurations(runs: Iterable[ComparedRun]) -> tuple[Configuration, ...]:
    """Groups runs by configuration, in the order in which they are first met.

    Raises:
        BenchError: a configuration has one seed only, or a seed twice.
    """
    groups: dict[bytes, list[ComparedRun]] = {}
    for run in runs:
        groups.setdefault(configuration(run.record), []).append(run)
    found = []
    for members in groups.values():
        members.sort(key=lambda run: run.record.training.seed)
        name = members[0].name
        seeds = [run.record.training.seed for run in members]
        if len(set(seeds)) < len(seeds):
            twice = next(seed for seed in seeds if seeds.count(seed) > 1)
            raise BenchError(f"seed {twice} of {name} was given twice; leave one of them out")
        if len(seeds) < 2:
            raise BenchError(
                f"{name} is the only run of its configuration, and one seed has no spread; "
                "add runs with other seeds, or leave --by-seed out"
            )
        found.append(Configuration(name, tuple(members)))
    return tuple(found)


def seed_difference(a: Mapping[int, float], b: Mapping[int, float]) -> tuple[Difference, bool]:
    """Returns the difference of two configurations' means by seed, and whether it is paired.

    Paired by seed if both have the same seeds, else Welch's. Sign flips are of no use here: of
    five seeds there are 32, so p could not fall below 0.06; Student's t it is.
    """
    if sorted(a) == sorted(b):
        order = sorted(a)
        return paired(np.array([a[s] for s in order]), np.array([b[s] for s in order])), True
    return welch(np.array([*a.values()]), np.array([*b.values()])), False


def compare_by_seed(groups: Sequence[Configuration], rope: float | None = None) -> Comparison:
    """Compares every pair of configurations, with the means of their seeds as the units.

    Raises:
        BenchError: two of them were tested on other data, or by another protocol.
    """
    couples = list(itertools.combinations(range(len(groups)), 2))
    for first, second in couples:
        check_comparable(groups[first].runs[0].record, groups[second].runs[0].record)
    found = [_seeds_of(groups[first], groups[second]) for first, second in couples]
    differences = [seed_difference(one, two) for one, two, _ in found]
    adjusted = holm(np.array([difference.p for difference, _ in differences]))
    metric = metric_of(groups[0].runs[0].record.data.task)
    size = size_of(metric, rope)
    pairs = []
    for i, ((first, second), (one, two, how), (difference, same)) in enumerate(
        zip(couples, found, differences, strict=True)
    ):
        means = float(np.mean([*one.values()])), float(np.mean([*two.values()]))
        limit = margin(metric, size, *means)
        paired_by = f"paired by seed ({len(one)})" if same else "other seeds: Welch's t"
        pairs.append(
            Pair(
                first,
                second,
                episodes=min(len(one), len(two)),
                paired=same,
                how=f"{paired_by}; {how}",
                means=means,
                difference=difference,
                unpaired=welch(np.array([*one.values()]), np.array([*two.values()])),
                test="paired t" if same else "Welch's t",
                p=difference.p,
                adjusted=float(adjusted[i]),
                margin=limit,
                judgement=judge(difference, float(adjusted[i]), limit, metric, size),
                notes=conditions(groups[first].runs[0], groups[second].runs[0]),
            )
        )
    return Comparison(tuple(group.name for group in groups), metric, size, tuple(pairs), 0)


def _seeds_of(a: Configuration, b: Configuration) -> tuple[dict[int, float], dict[int, float], str]:
    """Returns each seed's mean on the episodes that all runs of both have, and which these are."""
    shortest = min((*a.runs, *b.runs), key=lambda run: len(run.scores))
    matches = [match(shortest, run) for run in (*a.runs, *b.runs)]
    common = all(_is_prefix(found, len(shortest.scores)) for found in matches)
    count = len(shortest.scores) if common else None
    how = f"{count} common episodes" if common else "their episodes differ"

    def means(group: Configuration) -> dict[int, float]:
        return {
            seed: float(run.scores.values[:count].mean())
            for seed, run in zip(group.seeds, group.runs, strict=True)
        }

    return means(a), means(b), how


def _is_prefix(found: Match, count: int) -> bool:
    whole = np.arange(count)
    return np.array_equal(found.first, whole) and np.array_equal(found.second, whole)

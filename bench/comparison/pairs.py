"""Comparing runs pair by pair, on the episodes that the two of each pair have in common."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.comparison.difference import Difference, paired, welch
from bench.comparison.holm import holm
from bench.comparison.matching import ComparedRun, Match, check_comparable, match
from bench.comparison.rope import margin, size_of
from bench.comparison.signflip import flips_for, sign_flip_p
from bench.comparison.verdict import Judgement, judge
from bench.errors import BenchError
from bench.scores import Floats
from bench.tasks import Metric, metric_of

SEED = 0
"""Of the flips: the same records give the same p."""


@dataclass(frozen=True)
class Pair:
    """Two of several runs, by index, and what their common episodes say of the first.

    `difference` is the paired one where there are common episodes, and `unpaired` what the same
    scores would tell were they not paired; without common episodes both are Welch's. `p` is that
    of the sign-flip test, or of Welch's t; `adjusted` is it after Holm over all pairs.
    """

    first: int
    second: int
    episodes: int
    paired: bool
    how: str
    means: tuple[float, float]
    difference: Difference
    unpaired: Difference
    test: str
    p: float
    adjusted: float
    margin: float
    judgement: Judgement
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Runs, and every pair of them; `size` is the region of practical equivalence."""

    names: tuple[str, ...]
    metric: Metric
    size: float
    pairs: tuple[Pair, ...]
    flips: int


def compare(runs: Sequence[ComparedRun], rope: float | None = None) -> Comparison:
    """Compares every pair of two or more runs.

    `rope` is the region of practical equivalence in points of accuracy, in regression in percent
    of the error; None is the default of the metric.

    Raises:
        BenchError: two of them were tested on other data, or by another protocol.
    """
    couples = list(itertools.combinations(range(len(runs)), 2))
    for first, second in couples:
        check_comparable(runs[first].record, runs[second].record)
    matches = [match(runs[first], runs[second]) for first, second in couples]
    scores = [
        _scores_of(runs[first], runs[second], found)
        for (first, second), found in zip(couples, matches, strict=True)
    ]
    flips = flips_for(len(couples))
    p = _p_values(scores, matches, flips)
    adjusted = holm(p)
    metric = metric_of(runs[0].record.data.task)
    size = size_of(metric, rope)
    pairs = tuple(
        _pair(couple, runs, found, both, (float(p[i]), float(adjusted[i])), metric, size)
        for i, (couple, found, both) in enumerate(zip(couples, matches, scores, strict=True))
    )
    return Comparison(tuple(run.name for run in runs), metric, size, pairs, flips)


def _scores_of(a: ComparedRun, b: ComparedRun, found: Match) -> tuple[Floats, Floats]:
    """Returns the two runs' scores on their common episodes, or all of them if there are none."""
    if not len(found):
        return a.scores.values, b.scores.values
    return a.scores.values[found.first], b.scores.values[found.second]


def _p_values(
    scores: Sequence[tuple[Floats, Floats]], matches: Sequence[Match], flips: int
) -> Floats:
    """Returns a p-value for each pair; those of one number of episodes get the same flips."""
    p = np.array([welch(a, b).p for a, b in scores])
    lengths = np.array([len(found) for found in matches])
    for length in np.unique(lengths[lengths > 0]):
        which = np.flatnonzero(lengths == length).tolist()
        differences = np.stack([scores[i][0] - scores[i][1] for i in which], axis=1)
        p[which] = sign_flip_p(differences, np.random.default_rng(SEED), flips)
    return p


def _pair(
    couple: tuple[int, int],
    runs: Sequence[ComparedRun],
    found: Match,
    scores: tuple[Floats, Floats],
    p: tuple[float, float],
    metric: Metric,
    size: float,
) -> Pair:
    one, two = scores
    unpaired = welch(one, two)
    difference = paired(one, two) if len(found) else unpaired
    means = float(one.mean()), float(two.mean())
    limit = margin(metric, size, *means)
    return Pair(
        *couple,
        episodes=len(found) or min(len(one), len(two)),
        paired=bool(len(found)),
        how=found.how,
        means=means,
        difference=difference,
        unpaired=unpaired,
        test="sign flips" if len(found) else "Welch's t",
        p=p[0],
        adjusted=p[1],
        margin=limit,
        judgement=judge(difference, p[1], limit, metric, size),
        notes=conditions(runs[couple[0]], runs[couple[1]]),
    )


def conditions(a: ComparedRun, b: ComparedRun) -> tuple[str, ...]:
    """Returns what else than the method differs between two runs, for the reader to weigh."""
    notes = []
    if a.record.protocol.kind == "folds":
        notes.append("folds ask for the same examples again: this is about these, not others")
    one, two = setting(a), setting(b)
    for run, found in ((a, one), (b, two)):
        if found.startswith("error"):
            notes.append(f"the audit of {run.name} found an error; its figures are not to be used")
    if not any(found.startswith("error") for found in (one, two)) and alone(a) != alone(b):
        notes.append(f"{one} against {two}: knowing the other queries makes the task easier")
    if a.record.data.fingerprint != b.record.data.fingerprint:
        notes.append(f"trained on {a.record.data.name}, against {b.record.data.name}")
    return tuple(notes)


def setting(run: ComparedRun) -> str:
    """Returns whether queries inform one another: as the audit measured it, else as declared."""
    record = run.record
    if record.audit is not None:
        return f"{record.audit.verdict} (measured)"
    return f"{'transductive' if record.algorithm.transduction else 'inductive'} (declared)"


def alone(run: ComparedRun) -> bool:
    """Tells whether each query is judged alone, as far as is known."""
    return setting(run).startswith("inductive")


def worse_than(comparison: Comparison) -> tuple[str, ...]:
    """Returns the names of those that the first is worse than."""
    return tuple(
        comparison.names[pair.second]
        for pair in comparison.pairs
        if pair.first == 0 and pair.judgement.verdict == "worse"
    )


def check_enough(runs: Sequence[object]) -> None:
    """Raises BenchError if there are fewer than two runs."""
    if len(runs) < 2:
        raise BenchError(f"there is {len(runs)} run to compare; name two or more")

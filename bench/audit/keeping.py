"""Keeping: whether the answers that a run kept are those given when nobody could know the truth.

The figures of a run come from an evaluation, whose frames know the labels of the queries. A method
that only then looks them up is honest whenever it is asked by an audit; but not with these answers.

An evaluation takes fast paths, an audit the plain one. Inner steps that nobody trained can blow up
what rounding makes of the two to a twentieth of the decisions. So where kept answers are not those
of the plain path, the path of the evaluation is taken once more with the truth hidden, and once
openly: like is compared with like.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.audit.case import Case, Subject
from bench.audit.comparison import Floats, compare
from bench.audit.hidden import UNABLE, answers_of, answers_without_truth
from bench.audit.rounding import doubled
from bench.conformance.trial import in_double
from bench.errors import BenchError, RunFailed
from bench.evaluation import evaluate
from bench.pool import EpisodeStream
from bench.predictions import Predictions

TURNED = 0.01
"""The share of decisions that other paths and other machines may turn by rounding; in regression
the root of the mean squared change, relative to the largest value."""

ROUNDED = 2
"""How many times what rounding turns here may be turned on another machine, where it is more."""


@dataclass(frozen=True)
class Kept:
    """What comparing kept answers showed: errors, which void a result, and notes."""

    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asking:
    """How the first episodes of a run's test are asked again: by whom, on which, to the end."""

    subject: Subject
    stream: EpisodeStream
    cases: Sequence[Case]
    stop: Callable[[], bool]

    def hidden(self) -> list[Floats]:
        """Returns the answers by the path of an evaluation, the truth hidden."""
        count = len(self.cases)
        return answers_without_truth(self.subject, self.stream, count, self.stop, plain=False)

    def openly(self) -> list[Floats]:
        """Returns the answers by the path of an evaluation, as a run does it."""
        subject, count = self.subject, len(self.cases)
        return answers_of(
            evaluate(subject.algorithm, self.stream, count, seed=subject.seed, stop=self.stop)
        )

    def in_double(self) -> list[Floats] | None:
        """Returns the answers of the plain path in double precision; None if there is none."""
        try:
            trial = in_double(copy.deepcopy(self.subject.algorithm))
            with trial.precision():
                subject = Subject(trial.algorithm, self.subject.seed)
                asked = map(doubled, self.cases)
                return [subject.adapt(c.support, c.number).first(c.query) for c in asked]
        except (BenchError, RuntimeError, TypeError):
            return None


def differences(kept: Predictions, hidden: Sequence[Floats], asking: Asking) -> Kept:
    """Returns, as an error, that kept answers are not those with the truth hidden; or nothing.

    `kept` are those of at least the audited episodes; `hidden` (m, n) each, probabilities or
    values by the plain path.

    Raises:
        RunFailed: the algorithm failed with the truth in reach.
        Interrupted: it was stopped.
    """
    cases = asking.cases
    if len(kept) < len(cases):
        return Kept()
    answers = answers_of(kept.first(len(cases)))
    if _moved(answers, hidden, cases) <= TURNED:
        return Kept()
    try:
        alike = asking.hidden()
    except RunFailed as error:
        return Kept((UNABLE.format(error),))
    moved = _moved(answers, alike, cases)
    if moved <= TURNED:
        return Kept()
    values = kept.targets is not None
    knows = _moved(asking.openly(), alike, cases) > TURNED
    exact = None if knows else asking.in_double()
    rounded = 0.0 if exact is None else _moved(hidden, exact, cases)
    if rounded <= TURNED or moved > ROUNDED * rounded:
        return Kept((_leak(moved, values),))
    return Kept(notes=(_unsettled(moved, rounded, values),))


def _moved(one: Sequence[Floats], other: Sequence[Floats], cases: Sequence[Case]) -> float:
    """Returns the share of decisions that turned; in regression the root mean square."""
    pairs = zip(one, other, cases, strict=True)
    found = [compare(answers, plain, case.truth) for answers, plain, case in pairs]
    if cases[0].truth.ndim == 1:
        return sum(each.flips for each in found) / sum(each.asked for each in found)
    return float(np.sqrt(np.mean([each.square for each in found])))


def _leak(moved: float, values: bool) -> str:
    what = f"{moved:.1%} of the decisions that the run kept are others"
    if values:
        what = f"the values that the run kept are {moved:.1%} of the largest off"
    return f"label leak: with the truth hidden, {what}; it knew something in its evaluation"


def _unsettled(moved: float, rounded: float, values: bool) -> str:
    what = f"{moved:.1%} of the decisions are others; rounding alone turns {rounded:.1%}"
    if values:
        what = f"they are {moved:.1%} of the largest off; rounding alone makes {rounded:.1%}"
    return f"the answers that the run kept are not given again here: {what}"

"""Rounding: whether answers that moved a little still move in double precision.

A few gradient steps in single precision can blow rounding up to a hundredth of a probability. In
double precision that shrinks by nine orders of magnitude, and what a method really does stays.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from bench.audit.case import Case, Subject
from bench.audit.comparison import TOLERANCE
from bench.audit.interview import Interview, interview
from bench.audit.leaks import LABEL_MAP, SUPPORT_ORDER
from bench.audit.modes import MODES, REORDERED
from bench.conformance.trial import in_double
from bench.episodes import Examples
from bench.errors import BenchError

SLIGHT = 0.05
"""Nobody takes a larger change for rounding."""

EXACT = 1e-6
"""What rounding may come to in double precision."""


def explained_by_rounding(
    subject: Subject, cases: Sequence[Case], interviews: Sequence[Interview]
) -> dict[str, float]:
    """Returns the probes whose changes are rounding, with what is left of them in double precision.

    The episode in which one of them changed most is asked about once more. None if the answers
    are drawn at random, or the algorithm has no double precision.
    """
    changes = [{s.probe: s.comparison.largest for s in each.seen} for each in interviews]
    suspects = _suspects(changes)
    if not suspects or any(each.noise for each in interviews):
        return {}
    number = max(range(len(cases)), key=lambda i: max(changes[i].get(p, 0.0) for p in suspects))
    others = cases[(number + 1) % len(cases)].query
    try:
        trial = in_double(copy.deepcopy(subject.algorithm))
        with trial.precision():
            rng = np.random.default_rng([subject.seed, number])
            case = doubled(cases[number])
            asked = interview(
                Subject(trial.algorithm, subject.seed),
                case,
                case.drawn,
                others.double(),
                None,
                rng,
            )
    except (BenchError, RuntimeError, TypeError):
        return {}
    exact = {seen.probe: seen.comparison.largest for seen in asked.seen}
    return {probe: exact[probe] for probe in suspects if exact.get(probe, 1.0) <= EXACT}


def _suspects(changes: Sequence[dict[str, float]]) -> list[str]:
    """Returns the probes that changed a little; no mode if another has changed much."""
    largest = {
        probe: max(one.get(probe, 0.0) for one in changes)
        for probe in (*(mode.name for mode in MODES), REORDERED.name, SUPPORT_ORDER, LABEL_MAP)
    }
    clear = any(largest[mode.name] > SLIGHT for mode in MODES)
    apart = {mode.name for mode in MODES} if clear else set()
    return [p for p, much in largest.items() if TOLERANCE < much <= SLIGHT and p not in apart]


def doubled(case: Case) -> Case:
    """Returns a case in double precision."""
    support = case.support
    known = Examples(_double(support.inputs), _double(support.targets), support.n_way)
    return replace(case, support=known, query=_double(case.query))


def _double(values: Tensor) -> Tensor:
    return values.double() if values.is_floating_point() else values

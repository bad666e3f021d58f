"""Keeping: whether the answers that a run kept are those given when nobody could know the truth.

The figures of a run come from an evaluation, whose frames know the labels of the queries. A method
that only then looks them up is honest whenever it is asked by an audit; but not with these answers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.audit.case import Case
from bench.audit.comparison import Floats, compare
from bench.audit.hidden import answers_of
from bench.predictions import Predictions

TURNED = 0.01
"""The share of decisions that other paths and other machines may turn by rounding; in regression
the root of the mean squared change, relative to the largest value."""


def differences(kept: Predictions, hidden: Sequence[Floats], cases: Sequence[Case]) -> list[str]:
    """Returns, as an error, that kept answers are not those with the truth hidden; or nothing.

    `kept` are those of at least the audited episodes; `hidden` (m, n) each, probabilities or
    values.
    """
    if len(kept) < len(cases):
        return []
    pairs = zip(answers_of(kept.first(len(cases))), hidden, cases, strict=True)
    found = [compare(one, other, case.truth) for one, other, case in pairs]
    if kept.targets is None:
        moved = sum(one.flips for one in found) / sum(one.asked for one in found)
        what = f"{moved:.1%} of the decisions that the run kept are others"
    else:
        moved = float(np.sqrt(np.mean([one.square for one in found])))
        what = f"the values that the run kept are {moved:.1%} of the largest off"
    if moved <= TURNED:
        return []
    return [f"label leak: with the truth hidden, {what}; it knew something in its evaluation"]

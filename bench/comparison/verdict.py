"""Verdicts: what may be said of two runs, given their difference and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.comparison.difference import Difference
from bench.comparison.rope import words
from bench.tasks import Metric

Verdict = Literal["better", "worse", "not separable"]
LEVEL = 0.05
"""The chance that anything is called a difference where there is none, over all pairs together."""


@dataclass(frozen=True)
class Judgement:
    """A verdict on the first of two runs, and a remark where the verdict alone could mislead."""

    verdict: Verdict
    remark: str = ""


def judge(
    difference: Difference, adjusted: float, margin: float, metric: Metric, size: float
) -> Judgement:
    """Returns what may be said of the first run, whose mean less the second's is `difference`.

    `better` or `worse` takes two things: it is no accident (`adjusted`, p after Holm's
    correction, is below 0.05), and it matters: the difference as estimated is larger than
    `margin`. That the whole interval lies beyond the margin is not asked for: it would ask for
    more episodes, not for a larger gain; but the remark says where it does not. A difference that
    is sure but small is `not separable`, which for use it is.
    """
    region = words(metric, size)
    size_of_it = abs(difference.mean)
    if not adjusted < LEVEL:  # p of a single pair is not a number
        if size_of_it + difference.half_width <= margin:
            return Judgement("not separable", f"equivalent: the interval is within {region}")
        if difference.half_width > margin:
            return Judgement("not separable", f"the interval allows for more than {region}")
        return Judgement("not separable")
    if size_of_it <= margin:
        return Judgement(
            "not separable", f"they do differ, but by no more than {region}: too little to matter"
        )
    ahead = (difference.mean > 0) == metric.higher_is_better
    remark = (
        ""
        if size_of_it - difference.half_width > margin
        else (f"the interval reaches below {region}: the gain may be less than what matters")
    )
    return Judgement("better" if ahead else "worse", remark)

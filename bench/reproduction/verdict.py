"""Verdict: whether a published number was reproduced, by a tolerance that was fixed beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row
from bench.published import Published
from bench.suite import Tolerance

Word = Literal["pass", "above", "miss", "-"]
Reason = Literal["", "another mode", "audit error", "altered"]
_ROUNDING = 1e-9
"""Points; 97.8 and 98.8 are one point apart, whatever floats make of it."""


@dataclass(frozen=True)
class Verdict:
    """What is said of a row, and why nothing is said if it is `-` in spite of a number.

    `difference` is ours less the published one, `tolerance` how large it may be, both in points;
    None if there is no published number.
    """

    word: Word = "-"
    reason: Reason = ""
    difference: float | None = None
    tolerance: float | None = None


def verdict_of(row: Row, number: Published | None, tolerance: Tolerance) -> Verdict:
    """Holds a finished row against a published number.

    `pass`: they differ by no more than the tolerance; `above`: ours is better by more; `miss`: it
    is worse by more. Numbers of which one was measured inductive and the other is transductive are
    not compared; of an `unclear` one nobody knows, so it is. Nor is a row with an audit's error,
    or one that was altered since it was written.
    """
    if number is None or row.mean is None:
        return Verdict()
    difference = number.metric.factor * (row.mean - number.value)
    allowed = allowance(row, tolerance)
    reason = _reason(row, number)
    if reason:
        return Verdict("-", reason, difference, allowed)
    return Verdict(_word(difference, allowed), "", difference, allowed)


def allowance(row: Row, tolerance: Tolerance) -> float:
    """Returns how many points a row may differ: the larger of the suite's two.

    The standard deviation is that of the seeds' means, ddof 1; of one seed there is none, so the
    points alone count.
    """
    spread = deviation(row)
    if spread is None:
        return tolerance.points
    return max(tolerance.points, tolerance.deviations * row.metric.factor * spread)


def deviation(row: Row) -> float | None:
    """Returns the sample standard deviation of the seeds' means; None of one seed."""
    return row.over_seeds.std if row.over_seeds else None


def kind_of(entry: Entry) -> str:
    """Returns inductive, transductive or error: what the audit measured, else what is declared."""
    known = entry.measured or entry.declared
    return known if known in ("inductive", "error") else "transductive"


def _reason(row: Row, number: Published) -> Reason:
    kinds = {kind_of(entry) for entry in row.entries}
    if any(entry.altered for entry in row.entries):
        return "altered"
    if "error" in kinds:
        return "audit error"
    if number.setting != "unclear" and kinds != {number.setting}:
        return "another mode"
    return ""


def _word(difference: float, allowed: float) -> Word:
    """Returns the word for a difference of accuracies; more is better."""
    if abs(difference) <= allowed + _ROUNDING:
        return "pass"
    return "above" if difference > 0 else "miss"

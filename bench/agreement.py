"""Agreement: whether figures and answers that were computed twice are the same, or nearly.

The same weights on another machine, or with another number of threads, give answers that are
rounded otherwise; that is within tolerance. Imports no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.measurements import CheckedFigure
from bench.predictions import Floats, Predictions

Judgement = Literal["same", "within tolerance", "differs"]
ROUNDING = 1e-5
"""Relative difference below which two figures are the same: other libraries round otherwise."""
OF_MEAN = 1e-3
"""Tolerance of a mean: a tenth of a point of accuracy; in regression and of a loss, relative."""
TURNED = 0.005
"""Tolerance of decisions: the share of queries that may be decided otherwise."""
MOVED, ROUNDED = 1e-3, 1e-4
"""Mean changes of a probability that are within tolerance, and that are rounding."""
AGAIN = ", tested again"
"""Ends the name of a figure that was counted from answers given again."""
TURNS = 0.01
"""In regression, a value that moved by this share of the largest one counts as turned."""


@dataclass(frozen=True)
class Agreement:
    """How far answers to `asked` queries moved, in probability; in regression, relative.

    `largest` and `mean` are of the change of every number that was answered; `turned` queries got
    another decision.
    """

    identical: bool
    largest: float
    mean: float
    turned: int
    asked: int

    @property
    def text(self) -> str:
        """How it is told."""
        if self.identical:
            return "identical"
        return f"{self.turned} turned, largest change {self.largest:.1e}"


def agreement(kept: Predictions, found: Predictions) -> Agreement:
    """Compares answers to the same episodes; a file's are in single precision, so both are."""
    identical = bool(
        np.array_equal(kept.answers.astype(np.float32), found.answers.astype(np.float32))
    )
    if kept.targets is None:
        probabilities = np.exp(kept.log_probabilities), np.exp(found.log_probabilities)
        change = np.abs(probabilities[0] - probabilities[1])
        decisions = kept.log_probabilities.argmax(1), found.log_probabilities.argmax(1)
        turned = decisions[0] != decisions[1]
    else:
        width = kept.targets.shape[1]
        largest = max(float(np.abs(kept.answers).max()), np.finfo(np.float32).tiny)
        change = np.abs(kept.answers - found.answers).reshape(-1, width) / largest
        turned = (change > TURNS).any(1)
    return Agreement(
        identical, float(change.max()), float(change.mean()), int(turned.sum()), len(turned)
    )


def same_number(one: float | None, other: float | None) -> bool:
    """Tells whether two figures are equal up to rounding; None is an interval without an end."""
    if one is None or other is None:
        return one is other or not math.isfinite(one if other is None else other)  # type: ignore[arg-type]  # one of them is a number
    return math.isclose(one, other, rel_tol=ROUNDING, abs_tol=1e-12)


def judged_answers(moved: Agreement) -> CheckedFigure:
    """Tells whether answers agree: no decision turned, few did, or many."""
    verdict: Judgement = "differs"
    if not moved.turned and moved.mean <= ROUNDED:
        verdict = "same"
    elif moved.turned < TURNED * moved.asked and moved.mean < MOVED:
        verdict = "within tolerance"
    return CheckedFigure("answers", f"{moved.asked} queries", moved.text, verdict)


def judged_scores(kept: Floats, found: Predictions) -> CheckedFigure:
    """Compares the score of each episode; how many queries turned is at least their difference."""
    recorded = f"{len(kept)} episodes"
    if len(kept) != len(found):
        return CheckedFigure("scores", recorded, f"{len(found)}", "differs")
    same = np.array([same_number(*pair) for pair in zip(kept, found.scores, strict=True)])
    if same.all():
        return CheckedFigure("scores", recorded, "identical", "same")
    if found.targets is None:
        turned = np.abs(kept - found.scores) @ found.episodes.queries
        within = turned < TURNED * found.episodes.queries.sum()
    else:
        within = bool(np.abs(kept - found.scores).mean() < OF_MEAN * kept.mean())
    verdict: Judgement = "within tolerance" if within else "differs"
    return CheckedFigure("scores", recorded, f"{int((~same).sum())} differ", verdict)


def judged_mean(name: str, kept: float, found: float, predictions: Predictions) -> CheckedFigure:
    """Compares two means of the metric; `predictions` tell of which kind it is."""
    scale = 1.0 if predictions.targets is None else abs(kept)
    verdict: Judgement = "differs"
    if same_number(kept, found):
        verdict = "same"
    elif abs(kept - found) < OF_MEAN * scale:
        verdict = "within tolerance"
    return CheckedFigure(name, f"{kept:.8g}", f"{found:.8g}", verdict)


def judged_loss(kept: float, found: float) -> CheckedFigure:
    """Compares two mean losses."""
    moved = abs(kept - found)
    verdict: Judgement = "differs"
    if moved <= ROUNDED * abs(kept):
        verdict = "same"
    elif moved < 10 * OF_MEAN * abs(kept):
        verdict = "within tolerance"
    return CheckedFigure(f"loss{AGAIN}", f"{kept:.8g}", f"{found:.8g}", verdict)


def judged_temperature(kept: float, found: float) -> CheckedFigure:
    """Compares two temperatures; that of rounded answers is rounded, too."""
    moved = abs(kept - found)
    verdict: Judgement = "differs"
    if moved <= OF_MEAN * kept:
        verdict = "same"
    elif moved < 10 * OF_MEAN * kept:
        verdict = "within tolerance"
    return CheckedFigure("temperature", f"{kept:.8g}", f"{found:.8g}", verdict)


def judged_again(compared: CheckedFigure) -> CheckedFigure:
    """Judges a figure that was compared as if answers were the same, though they may be rounded.

    Where every episode's score is the same, the quality of probabilities may move by 1%, or by a
    ten-thousandth, as it is counted by bins; all else by a ten-thousandth of itself.
    """
    name, verdict = f"{compared.name}{AGAIN}", compared.verdict
    if verdict == "differs":
        try:
            kept, found = float(compared.recorded), float(compared.found)
        except ValueError:
            return replace(compared, name=name)
        of_quality = max(10 * OF_MEAN * abs(kept), ROUNDED)
        allowed = of_quality if name.startswith("quality ") else ROUNDED * abs(kept)
        verdict = "within tolerance" if abs(kept - found) < allowed else "differs"
    return replace(compared, name=name, verdict=verdict)

"""What a verification found: figures that were checked, and the verdict that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from bench.measurements import CheckedFigure, TestUse, VerificationRecord

Verdict = Literal["verified", "within tolerance", "failed", "incomplete"]


@dataclass(frozen=True)
class Verification:
    """What was found: the figures, what could not be checked, and the use of the test data."""

    figures: tuple[CheckedFigure, ...]
    notes: tuple[str, ...]
    use: TestUse | None = None
    card: str = ""

    @property
    def verdict(self) -> Verdict:
        """`incomplete` if nothing is broken but the weights were not tested again."""
        found = {figure.verdict for figure in self.figures}
        if "differs" in found:
            return "failed"
        if self.use is None:
            return "incomplete"
        return "within tolerance" if "within tolerance" in found else "verified"

    def record(self) -> VerificationRecord:
        """Returns it as it is kept; raises ValueError if it is incomplete."""
        verdict = self.verdict
        if verdict == "incomplete":
            raise ValueError("an incomplete verification is not kept")
        when = datetime.now(UTC).isoformat(timespec="seconds")
        return VerificationRecord(verdict, when, self.card, self.figures)

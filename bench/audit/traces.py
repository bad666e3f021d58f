"""Traces: what adapting and predicting may have left on an algorithm."""

from __future__ import annotations

from dataclasses import dataclass

from bench.algorithm import Algorithm
from bench.evaluation import tensor_digests


@dataclass(frozen=True)
class Traces:
    """The hash of every parameter and buffer, and the mode of every module."""

    digests: dict[str, str]
    modes: dict[str, bool]

    @classmethod
    def of(cls, algorithm: Algorithm) -> Traces:
        """Returns those of an algorithm as it is now."""
        modes = {name: module.training for name, module in algorithm.named_modules()}
        return cls(tensor_digests(algorithm), modes)

    def errors(self, now: Traces) -> tuple[str, ...]:
        """Returns what has changed since, as sentences."""
        found = []
        for what, before, after in (
            ("changes parameters or buffers", self.digests, now.digests),
            ("switches between training and evaluation mode", self.modes, now.modes),
        ):
            names = sorted(n for n in before | after if before.get(n) != after.get(n))
            if names:
                shown = ", ".join(name or "the algorithm itself" for name in names[:3])
                found.append(
                    f"state leak: it {what} ({shown}); one episode can inform the next that way"
                )
        return tuple(found)

"""Measurements: what was found out about a run, in the form that its record keeps.

This module imports neither torch nor algorithms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class IntervalRecord:
    """A 95% interval of the mean: what varies in it, how many of these there were, and how."""

    over: str
    low: float
    high: float
    n: int
    formula: str

    @property
    def half_width(self) -> float:
        """Half the length."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class QualityRecord:
    """What else there is to say of classifications, by name of the metric; see bench.metrics.

    Means over episodes but for `nll`, `brier` and `ece`, which are over all queries; those ending
    in `_tempered` are after division of the logits by `temperature`, fitted on validation
    episodes. Percentiles are those of the episodes' scores.
    """

    macro_f1: float | None = None
    balanced_accuracy: float | None = None
    nll: float | None = None
    brier: float | None = None
    ece: float | None = None
    temperature: float | None = None
    nll_tempered: float | None = None
    brier_tempered: float | None = None
    ece_tempered: float | None = None
    percentile_5: float | None = None
    percentile_50: float | None = None
    percentile_95: float | None = None


@dataclass(frozen=True)
class ProbeRecord:
    """One way of asking again, and how far the answers moved from those to the plain question.

    `largest` is the largest change of a probability (in regression, relative to the largest
    value); `flips` of `asked` decisions turned, ties left out. `accuracy` is that when asked so (in
    regression the mean squared error), `plainly` that of the same queries asked together;
    `half_width` is half the 95% interval of the difference of the two, paired over episodes.
    """

    name: str
    what: str
    largest: float
    flips: int
    asked: int
    accuracy: float | None = None
    plainly: float | None = None
    half_width: float | None = None


@dataclass(frozen=True)
class AuditRecord:
    """What an audit measured: how queries inform one another, and whether anything leaks.

    `errors` are sentences; with any, the verdict is `error`.
    """

    verdict: Literal["inductive", "batch-dependent", "transductive", "error"]
    episodes: int
    probes: tuple[ProbeRecord, ...]
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CostRecord:
    """What a run cost: milliseconds of one task alone, floating-point operations, and how sure.

    FLOPs count a multiplication and an addition as two; None where they could not be counted.
    `doubt` says why the times should not be trusted; empty if nothing speaks against them.
    """

    tasks_timed: int
    adapt_ms: float
    adapt_ms_p95: float
    query_ms: float
    query_ms_p95: float
    training_tasks_per_second: float | None
    flops_embed: int | None
    flops_adapt: int | None
    flops_train: int | None
    doubt: str = ""


@dataclass(frozen=True)
class CurvePoint:
    """A look at a training: after so many steps and seconds, validation included.

    `core_seconds` are those of all threads of the process on a core, which do not grow when others
    keep the machine busy. `train_loss` is the mean over the steps since the look before; `score`
    and `loss` are the metric's mean and the loss's over the validation episodes, None where there
    are none.
    """

    step: int
    seconds: float
    core_seconds: float
    train_loss: float
    score: float | None = None
    loss: float | None = None


@dataclass(frozen=True)
class RecipeRecord:
    """The recipe that a run was made by: its name, the sha256 of its values, and what was changed.

    `changed` has the values that the user gave in place of the recipe's, such as
    `steps=12000 (recipe: 60000)`.
    """

    name: str
    sha256: str
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class MachineRecord:
    """A machine as timings see it; `card` is a hash of all that is the same from run to run."""

    card: str
    processor: str
    cores: int
    threads: int
    device: str
    torch: str
    blas: str
    allocator: str
    gemm_gflops: float
    load_before: float | None = None
    load_after: float | None = None


@dataclass(frozen=True)
class CheckedFigure:
    """One figure or hash that was checked: as recorded, as found, and whether they agree."""

    name: str
    recorded: str
    found: str
    verdict: Literal["same", "within tolerance", "differs"]


@dataclass(frozen=True)
class VerificationRecord:
    """What `bench verify` found, when, and by which machine's card."""

    verdict: Literal["verified", "within tolerance", "failed"]
    when: str
    card: str
    figures: tuple[CheckedFigure, ...]


@dataclass(frozen=True)
class TestUse:
    """One time that the test data was opened: what for, and on which episodes."""

    __test__ = False  # not a test class of pytest

    purpose: str
    when: str
    episodes: int
    sha256: str = ""

"""Verdicts: from what was seen in the episodes of an audit to one word, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from bench.algorithm import Algorithm
from bench.audit.comparison import Comparison
from bench.audit.interview import Interview
from bench.audit.leaks import BETWEEN, FALSE_LABELS, LABEL_MAP, REPEATED, SUPPORT_ORDER, Seen
from bench.audit.modes import MODES, REORDERED
from bench.audit.overlap import Overlap
from bench.audit.probe import WHAT_IS_ASKED, Probe, measurable
from bench.measurements import AuditRecord
from bench.tasks import REGRESSION

Verdict = Literal["inductive", "batch-dependent", "transductive"]

FLIPS = 0.01
"""From this share of turned decisions on, queries inform one another, whatever the accuracy.

In regression, where no decision can turn, values count that move by this share of the largest, in
the root mean square.
"""

_LEAKS = {
    REPEATED: "not deterministic: the same question twice has answers that differ by up to {}; "
    "draw random numbers from torch's default generator only, and keep nothing",
    BETWEEN: "state leak: after another episode the same question has answers that differ by up "
    "to {}; something is remembered from one episode to the next",
    FALSE_LABELS: "label leak: with false labels of the queries in the frames that call it, the "
    "answers differ by up to {}; it looks them up",
}


def judge(
    algorithm: Algorithm,
    interviews: Sequence[Interview],
    seen: Sequence[Seen],
    errors: Sequence[str],
    rounding: dict[str, float],
    overlap: Overlap,
) -> AuditRecord:
    """Returns the verdict on what was seen, with every probe's figures.

    `rounding` has the probes whose changes mean nothing, and what they are in double precision.
    """
    probes = {
        name: Probe(name, tuple(s.comparison for s in seen if s.probe == name), name in rounding)
        for name in WHAT_IS_ASKED
        if any(s.probe == name for s in seen)
    }
    noise = [each.noise for each in interviews if each.noise is not None]
    failures = sorted({failure for each in interviews for failure in each.failures})
    found = [*errors, *failures, *overlap.errors]
    found += [
        text.format(f"{probes[name].largest:.2g}")
        for name, text in _LEAKS.items()
        if name in probes and probes[name].moves
    ]
    asked = [probes[mode.name] for mode in MODES if mode.name in probes]
    notes = [*overlap.notes, *_rounded(probes, rounding)]
    if noise:
        verdict = _verdict_of_drawn(asked, noise)
        notes.append(
            "its predictor draws random numbers: with another seed answers change by up to "
            f"{max(one.largest for one in noise):.2g}, and as many queries as are asked consume "
            "as many numbers; so a change counts only where it goes beyond that"
        )
    else:
        verdict = _verdict(asked, algorithm.spec.task == REGRESSION)
        found += _order_leaks(algorithm, probes)
        notes += _by_design(algorithm, probes)
    if not found:
        notes += _mismatch(algorithm, verdict)
    return AuditRecord(
        "error" if found else verdict,
        len(interviews),
        tuple(probe.record() for probe in probes.values()),
        tuple(found),
        tuple(notes),
    )


def _verdict(asked: Sequence[Probe], values: bool) -> Verdict:
    moved = [probe for probe in asked if probe.moves]
    if not moved:
        return "inductive"
    turned = any(
        (p.shifted if values else p.flipped) >= FLIPS or measurable(p.differences) for p in moved
    )
    return "transductive" if turned else "batch-dependent"


def _verdict_of_drawn(asked: Sequence[Probe], noise: Sequence[Comparison]) -> Verdict:
    """Judges answers that are drawn: what another seed changes as well proves nothing.

    As there are several modes, each has its share of the 5%.
    """
    share = 0.05 / len(asked)
    if any(measurable(probe.differences, share) for probe in asked):
        return "transductive"
    between_seeds = np.array([one.square for one in noise])
    for probe in asked:
        beyond = np.array([one.square for one in probe.comparisons])[: len(noise)] - between_seeds
        if beyond.mean() > 0 and measurable(beyond, share):
            return "batch-dependent"
    return "inductive"


def _order_leaks(algorithm: Algorithm, probes: dict[str, Probe]) -> list[str]:
    found = []
    if probes[REORDERED.name].moves:
        found.append(
            f"order leak: the answers change by up to {probes[REORDERED.name].largest:.2g} with "
            "the order of the queries; a query's place among them is used"
        )
    support = probes.get(SUPPORT_ORDER)
    leaking = any(probes[n].moves for n in _LEAKS if n in probes)
    if support and support.moves and not algorithm.support_order and not leaking:
        found.append(
            f"undeclared: the answers change by up to {support.largest:.2g} with the order of the "
            "support; say in the class: support_order = 'why'"
        )
    return found


def _by_design(algorithm: Algorithm, probes: dict[str, Probe]) -> list[str]:
    """Returns dependences that a method may have."""
    notes = []
    support, names = probes.get(SUPPORT_ORDER), probes.get(LABEL_MAP)
    if algorithm.support_order and support and support.moves:
        notes.append(
            f"answers depend on the order of the support, as declared ({algorithm.support_order}):"
            f" they change by up to {support.largest:.2g}, {support.flipped:.1%} of the decisions"
        )
    if names and names.moves:
        notes.append(
            "answers depend on which class has which label, as those of a head with weights for "
            f"each label do: they change by up to {names.largest:.2g}, {names.flipped:.1%} of the "
            "decisions"
        )
    return notes


def _rounded(probes: dict[str, Probe], rounding: dict[str, float]) -> list[str]:
    return [
        f"only rounding ({WHAT_IS_ASKED[name]}): answers move by up to "
        f"{probes[name].largest:.1g}, in double precision by {exact:.1g}"
        for name, exact in rounding.items()
    ]


def _mismatch(algorithm: Algorithm, verdict: Verdict) -> list[str]:
    declared = algorithm.transduction
    if not declared and verdict != "inductive":
        return [
            f"declared inductive, measured {verdict}: the class does not say that queries inform "
            "one another; it should: transduction = 'how'"
        ]
    if declared and verdict == "inductive":
        return [f"declared transductive ({declared}), measured inductive"]
    return []

"""Leaks: what must not change an answer, and what may only if it is declared.

What is found to hold for one question often proves several things at once; only where it does not
hold are they told apart, as adapting is what an audit spends its time on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from bench.audit.case import Asked, Case, Subject
from bench.audit.comparison import TOLERANCE, Comparison, Floats, compare
from bench.episodes import Examples
from bench.sampling import EpisodeIndices

REPEATED = "repeated"
BETWEEN = "another episode between"
FALSE_LABELS = "false query labels"
SUPPORT_ORDER = "support order"
LABEL_MAP = "label map"

WHAT = {
    REPEATED: "the same question twice",
    BETWEEN: "the same, after an episode that mislabels these queries",
    FALSE_LABELS: "the same, with false query labels in the calling frames",
    SUPPORT_ORDER: "the support in another order",
    LABEL_MAP: "the labels of the classes permuted",
}


@dataclass(frozen=True)
class Seen:
    """A comparison of one episode, by the name of the probe."""

    probe: str
    comparison: Comparison


def ask_openly(subject: Subject, case: Case, drawn: EpisodeIndices) -> tuple[Asked, Floats]:
    """Adapts and asks as an evaluation does; the answers are the plain ones.

    `drawn` is here to be found: the frames of an evaluation hold the labels of the queries, too.
    """
    asked = subject.adapt(case.support, case.number)
    return asked, asked.first(case.query)


def mirror(case: Case) -> Examples:
    """Returns a support made of the queries, with labels that are false (in regression, values).

    Whoever remembers inputs and labels from episode to episode takes false ones along from here.
    """
    support, query, truth = case.support, case.query, torch.from_numpy(case.truth)
    if case.truth.ndim == 2:
        count = min(len(support), len(query))
        return Examples(query[:count].clone(), (-truth[:count]).to(support.targets), 1)
    kept: list[Tensor] = []
    labels: list[int] = []
    for label in support.targets.tolist():
        places = np.flatnonzero(case.truth == label)
        taken = labels.count(label)
        kept.append(
            query[places[taken]]
            if taken < len(places)
            else support.inputs[support.targets == label][0]
        )
        labels.append(label)
    false = (torch.tensor(labels) + 1) % support.n_way
    return Examples(torch.stack(kept), false.to(support.targets), support.n_way)


def leave_traces(subject: Subject, case: Case) -> None:
    """Puts the mirrored episode, so that whoever keeps something has it by then."""
    subject.adapt(mirror(case), case.number).first(case.query)


def tell_apart(subject: Subject, case: Case, plain: Floats, hidden: Floats) -> Iterator[Seen]:
    """Yields what explains that the plain answers differ from those with the truth hidden.

    Between the two there were other episodes as well. `hidden` and `plain` (m, n).
    """
    again = compare(hidden, plain, case.truth)
    if again.largest <= TOLERANCE:
        for probe in (REPEATED, BETWEEN, FALSE_LABELS):
            yield Seen(probe, again)
        return
    (_, one), (_, other) = (ask_openly(subject, case, case.drawn) for _ in range(2))
    repeated = compare(other, one, case.truth)
    yield Seen(REPEATED, repeated)
    if repeated.largest > TOLERANCE:
        return
    between = compare(one, plain, case.truth)
    yield Seen(BETWEEN, between)
    if between.largest <= TOLERANCE:
        yield Seen(FALSE_LABELS, again)


def rearranged(
    subject: Subject, case: Case, plain: Floats, rng: np.random.Generator
) -> Iterator[Seen]:
    """Yields what another order of the support, and another label map, change in answers (m, n)."""
    support, ways = case.support, case.support.n_way
    order = torch.from_numpy(rng.permutation(len(support))).to(support.targets.device)
    named = rng.permutation(ways)
    labelled = not support.targets.is_floating_point() and ways > 1

    def changed(reorder: bool, rename: bool) -> Comparison:
        other = support.at(order) if reorder else support
        if rename:
            names = torch.from_numpy(named).to(other.targets)
            other = replace(other, targets=names[other.targets])
        answers = subject.adapt(other, case.number).again(case.query)
        return compare(answers[:, named] if rename else answers, plain, case.truth)

    both = changed(len(support) > 1, labelled)
    if both.largest <= TOLERANCE or not labelled:
        yield Seen(SUPPORT_ORDER, both)
        if labelled:
            yield Seen(LABEL_MAP, both)
        return
    yield Seen(SUPPORT_ORDER, changed(True, False))
    yield Seen(LABEL_MAP, changed(False, True))

"""Interviews: everything that is asked of an algorithm about one episode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from bench.audit.case import Asked, Case, Subject
from bench.audit.comparison import TOLERANCE, Comparison, Floats, compare
from bench.audit.leaks import REPEATED, Seen, ask_openly, leave_traces, rearranged
from bench.audit.modes import MODES, REORDERED, Company, Mode
from bench.errors import BenchError, RunFailed
from bench.sampling import EpisodeIndices


@dataclass(frozen=True)
class Interview:
    """What was seen in one episode: the plain answers (m, n), and what other ways changed.

    `noise` is what another seed changes in the answers of a predictor that draws random numbers;
    None if it draws none. `failures` are modes in which it could not answer.
    """

    plain: Floats
    seen: tuple[Seen, ...]
    noise: Comparison | None
    failures: tuple[str, ...]


def interview(
    subject: Subject,
    case: Case,
    drawn: EpisodeIndices,
    others: Tensor,
    alone: int | None,
    rng: np.random.Generator,
) -> Interview:
    """Asks about one episode in every way; `others` (b, ...) are queries of another one.

    `alone` is how many queries at most are asked by themselves; None for all. `drawn` is the
    case's, here to be found by whoever looks for labels in the frames that called it.
    """
    asked, first = ask_openly(subject, case, drawn)
    query = case.query
    plain, twice = asked.again(query), asked.again(query)
    seen = [Seen(REPEATED, compare(twice, plain, case.truth))]
    noise = None
    if compare(plain, first, case.truth).largest > TOLERANCE:
        noise = compare(asked.again(query, seed=1), plain, case.truth)
        noise = noise if noise.largest > TOLERANCE else None
    company = Company(case, others, alone, rng)
    failures = []
    for mode in (*MODES, REORDERED):
        if mode.classes and case.truth.ndim == 2:
            continue
        try:
            seen.append(Seen(mode.name, _in_mode(asked, mode, company, plain)))
        except RunFailed as error:
            failures.append(f"asked for {mode.what}, it cannot answer: {error}")
    leave_traces(subject, case)
    seen += rearranged(subject, case, plain, rng)
    return Interview(first, tuple(seen), noise, tuple(failures))


def _in_mode(asked: Asked, mode: Mode, company: Company, plain: Floats) -> Comparison:
    answered = mode.ask(asked.again, company)
    places = answered.places
    if answered.answers.shape[1:] != plain.shape[1:]:
        raise BenchError(f"answers of shape {answered.answers.shape}, {plain.shape} to all queries")
    return compare(answered.answers, plain[places], company.case.truth[places])

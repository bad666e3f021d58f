"""Auditing: an algorithm asked about a few test episodes, in every way that should not matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bench.algorithm import Algorithm
from bench.audit.case import Subject, cases
from bench.audit.comparison import TOLERANCE
from bench.audit.hidden import UNABLE, answers_without_truth
from bench.audit.interview import Interview, interview
from bench.audit.keeping import Asking, Kept, differences
from bench.audit.leaks import BETWEEN, REPEATED, tell_apart
from bench.audit.overlap import Overlap
from bench.audit.rounding import explained_by_rounding
from bench.audit.traces import Traces
from bench.audit.verdict import judge
from bench.errors import BenchError, Interrupted, RunFailed
from bench.evaluation import Report
from bench.measurements import AuditRecord
from bench.pool import EpisodeStream
from bench.predictions import Predictions

THOROUGH = 20
"""Episodes of an audit that somebody asks for."""

SAME = (REPEATED, BETWEEN)
"""Probes whose answers must be the same for kept answers to tell anything."""

SAMPLE = 5
"""Episodes of the audit that ends every run."""

ALONE = 15
"""Queries per episode asked by themselves in the audit that ends every run."""


def audit(
    algorithm: Algorithm,
    stream: EpisodeStream,
    episodes: int,
    *,
    seed: int,
    alone: int | None = None,
    overlap: Overlap | None = None,
    kept: Predictions | None = None,
    report: Report = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> AuditRecord:
    """Audits an algorithm on the first `episodes` episodes of a stream; `seed` as in `evaluate`.

    At most `alone` queries of each are asked by themselves. Each episode is adapted to four times,
    or six if answers hang on the support's order or the label map; what `overlap` found of the
    data goes into the verdict. `kept` are the answers that the run's figures come from.

    Raises:
        RunFailed: the algorithm failed at a plain question.
        Interrupted: `stop` returned True.
    """
    if episodes < 1:
        raise BenchError(f"{episodes} episodes to audit; ask for at least 1")
    algorithm.eval()
    before, subject = Traces.of(algorithm), Subject(algorithm, seed)
    asked = list(cases(stream, episodes))
    interviews: list[Interview] = []
    for number, case in enumerate(asked):
        others = asked[(number + 1) % len(asked)].query
        rng = np.random.default_rng([seed, number])
        interviews.append(interview(subject, case, case.drawn, others, alone, rng))
        report(number + 1, episodes)
        if stop():
            raise Interrupted("stopped during the audit")
    errors = list(before.errors(Traces.of(algorithm)))
    rounding = explained_by_rounding(subject, asked, interviews)
    seen = [one for each in interviews for one in each.seen]
    compared = Kept()
    if not errors:
        try:
            hidden = answers_without_truth(subject, stream, episodes, stop)
        except RunFailed as error:
            errors.append(UNABLE.format(error))
        else:
            for case, each, answers in zip(asked, interviews, hidden, strict=True):
                seen += tell_apart(subject, case, each.plain, answers)
            steady = all(one.comparison.largest <= TOLERANCE for one in seen if one.probe in SAME)
            if kept is not None and steady and not any(each.noise for each in interviews):
                compared = differences(kept, hidden, Asking(subject, stream, asked, stop))
    errors += compared.errors
    found = judge(algorithm, interviews, seen, errors, rounding, overlap or Overlap())
    return replace(found, notes=(*found.notes, *compared.notes))

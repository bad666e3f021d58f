"""What `bench suite` shows: a line as a job begins, goes on or ends, and a table at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from bench.cli.table import table
from bench.suite.jobs import row_name

if TYPE_CHECKING:
    from bench.suite import Test
    from bench.suite.child import Attempt
    from bench.suite.jobs import Job
    from bench.suite.state import Found


class Reporter:
    """Says on stderr, in a line each, what happens to jobs."""

    def started(self, job: Job) -> None:
        """Says that a job begins."""
        click.echo(f"{job.label}: {job.kind}", err=True)

    def goes_on(self, job: Job, text: str) -> None:
        """Says how far a job is, in its own words."""
        click.echo(f"{job.label}: {text or 'at work'}", err=True)

    def ended(self, attempt: Attempt) -> None:
        """Says how a job ended."""
        job = attempt.job
        how = "done" if attempt.code == 0 else "stopped"
        if attempt.failed:
            how = f"failed: {attempt.reason}"
        elif attempt.elsewhere:
            how = "left to another process"
        click.echo(f"{job.label}: {job.kind} {how} ({duration(attempt.seconds)})", err=True)


def standing(tests: Sequence[Found], attempts: Sequence[Attempt] = ()) -> str:
    """Returns the tests of a suite as a table, and how many there are of each state.

    `attempts` are those of now; what went wrong in them is told rather than what was there.
    """
    wrong = {attempt.job.place: attempt for attempt in attempts if attempt.failed}
    rows = []
    for place, one in enumerate(tests):
        attempt = wrong.get(place)
        test = one.test
        rows.append(
            {
                "row": row_name(test),
                "size": _size(test),
                "seed": test.seed,
                "state": _state(one, attempt),
                "took": _took(one),
            }
        )
    counts: Counter[str] = Counter(
        "failed" if p in wrong else one.state for p, one in enumerate(tests)
    )
    order = ("done", "cut", "failed", "altered", "outdated", "missing")
    told = ", ".join(f"{counts[state]} {state}" for state in order if counts[state])
    return (
        f"{table(rows, wrapped=('row', 'state'))}\n{len(rows)} row{'s' * (len(rows) != 1)}: {told}"
    )


def _size(test: Test) -> str:
    same = test.size == test.trained
    return test.size if same else f"{test.size} from {test.trained}"


def _state(one: Found, attempt: Attempt | None) -> str:
    if attempt and not (attempt.job.kind == "verifying" and one.state == "failed"):
        kind = "" if one.state != "done" else f"{attempt.job.kind}, "
        return f"failed: {kind}{attempt.reason}"
    if one.state == "done" and one.record and one.record.verification:
        return f"done, {one.record.verification.verdict}"
    between = " " if one.state == "cut" else ": "
    return f"{one.state}{between}{one.note}" if one.note else one.state


def _took(one: Found) -> str:
    """Returns how long a run took; of a test only, without the training of its weights."""
    if one.record is None or one.state == "missing":
        return "-"
    parts = one.record.seconds.items()
    known = [value for name, value in parts if not (one.test.evaluated and name == "training")]
    return duration(sum(known)) if known else "-"


def duration(seconds: float) -> str:
    """Returns seconds for reading: 41 s, 12 min, 3 h 05 min."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"

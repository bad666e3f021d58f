"""The summary of a finished run: what its mean is, how sure it is, and whether to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.episodes import in_words
from bench.errors import RunFailed
from bench.tasks import METRICS, REGRESSION

if TYPE_CHECKING:
    from bench.results import RunRecord


def summary(record: RunRecord, folder: Path) -> str:
    """Returns what a user wants to know of a finished run, in a few lines."""
    outcome = record.outcome
    if outcome is None:
        return f"{record.name}: {record.status}"
    untrained = "" if record.algorithm.parameter_count else "not trained: it has no parameters"
    lines = (
        _headline(record),
        _reach(record),
        _setting(record),
        untrained,
        _cost(record),
        remarks_on(record),
    )
    return "\n".join([*filter(None, lines), f"run: {folder}"])


def remarks_on(record: RunRecord) -> str:
    """Returns what was left out, noted or changed of the data of a run, a line each."""
    found = []
    for data in (record.data, *([record.test_data] if record.test_data else [])):
        found += [f"note: {data.name}: {remark}" for remark in data.remarks]
        if data.reshaped:
            found.append(f"note: {data.name}: images resized {data.reshaped}")
    return "\n".join(found)


def check_counts(records: Sequence[RunRecord]) -> None:
    """Raises RunFailed if the audit of a run found an error: its result does not count."""
    unfit = [record.name for record in records if record.audit and record.audit.errors]
    if unfit:
        raise RunFailed(
            f"the audit found what must not be, so it does not count: {', '.join(unfit)}"
        )


def _headline(record: RunRecord) -> str:
    """Returns who was tested on what, the mean, its interval, and what that is over."""
    from bench.statistics.intervals import headline

    outcome, protocol = record.outcome, record.protocol
    if outcome is None:
        return ""
    what = in_words(protocol.kind, protocol.ways, protocol.shots, protocol.id)
    if record.data.task == REGRESSION:
        what += ", mean squared error"
    who = record.algorithm.name
    if record.test_data:
        who += f", trained on {record.data.name},"
    each = outcome.queries_per_episode
    queries = "one query" if each == 1 else f"{each:.4g} queries"
    if protocol.kind not in ("fixed", "disjoint", "within", "single"):
        queries += " on average"
    told = headline(outcome.mean, outcome.intervals, METRICS[outcome.metric], queries)
    return f"{who} on {record.tested.name}, {what}: {told}"


def _reach(record: RunRecord) -> str:
    """Returns a warning if the headline interval leaves out much; else nothing."""
    from bench.statistics.intervals import doubt

    outcome = record.outcome
    told = doubt(outcome.intervals, METRICS[outcome.metric]) if outcome else ""
    return f"warning: {told}" if told else ""


def _setting(record: RunRecord) -> str:
    """Returns how queries inform one another: as declared, and as measured."""
    declared = f"transductive: {t}" if (t := record.algorithm.transduction) else "inductive"
    audit = record.audit
    if audit is None:
        return f"setting, as declared and not measured: {declared}"
    episodes = f"measured on {audit.episodes} episodes"
    said = [f"setting: {audit.verdict}, {episodes}; declared {declared}"]
    if audit.verdict not in ("inductive", "error") and not record.algorithm.transduction:
        said.append("warning: it does not declare that queries inform one another; see bench check")
    return "\n".join([*said, *(f"error: {error}" for error in audit.errors)])


def _cost(record: RunRecord) -> str:
    """Returns how long a task takes on its own."""
    cost = record.cost
    if cost is None:
        return ""
    doubt = f" (in doubt: {cost.doubt.rstrip('.')})" if cost.doubt else ""
    return f"cost: {cost.adapt_ms:.3g} ms to adapt, {cost.query_ms:.3g} ms a query{doubt}"

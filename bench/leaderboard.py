"""The leaderboard: tables from result folders alone.

Runs share a table only if they were tested on the same episodes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tabulate import tabulate

from bench.errors import BenchError, NothingMatched
from bench.results import RunRecord, find_runs, read_run
from bench.tasks import Metric, metric_of

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["markdown", "csv", "latex", "html", "json"]
EpisodesKey = tuple[str, str, str, int, int]
"""Data, protocol, fingerprint, number of episodes, and their seed."""

_TABULATE = {"markdown": "pipe", "latex": "latex", "html": "html"}


@dataclass(frozen=True)
class Entry:
    """A run and the folder it was read from."""

    folder: Path
    record: RunRecord

    @property
    def episodes(self) -> EpisodesKey:
        """What decides the test episodes: equal for two runs if and only if these are theirs."""
        record = self.record
        protocol = record.protocol
        return (
            record.data.name,
            protocol.id,
            record.data.fingerprint,
            protocol.episodes,
            protocol.episode_seed,
        )

    @property
    def metric(self) -> Metric:
        """What the run is judged by."""
        return metric_of(self.record.data.task)

    @property
    def label(self) -> str:
        """The algorithm, with the parameters that the user set."""
        chosen = self.record.config.get("set")
        own = chosen.items() if isinstance(chosen, dict) else ()
        settings = [f"{key}={value}" for key, value in own if not key.startswith("data.")]
        return self.record.algorithm.name + (f" ({', '.join(settings)})" if settings else "")


@dataclass(frozen=True)
class Table:
    """Runs on the same test episodes, best first, unfinished ones last."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Leaderboard:
    """All tables, and a line for each folder that could not be read."""

    tables: tuple[Table, ...]
    unreadable: tuple[str, ...]


def collect(root: Path) -> Leaderboard:
    """Reads every run below `root`.

    Raises:
        BenchError: there is no such folder.
        NothingMatched: no run is in it.
    """
    if not root.is_dir():
        raise BenchError(f"there is no folder {root}; runs are written to results/ by default")
    entries, unreadable = [], []
    for folder in find_runs(root):
        try:
            entries.append(Entry(folder, read_run(folder)))
        except BenchError as error:
            unreadable.append(str(error))
    if not entries and not unreadable:
        raise NothingMatched(
            f"no runs in {root}; make one: bench run --algo protonet --data glyphs"
        )
    return Leaderboard(_tables(entries), tuple(unreadable))


def _tables(entries: Sequence[Entry]) -> tuple[Table, ...]:
    """Splits runs by what decides their episodes, and again if their episodes differ after all."""
    groups: dict[tuple[EpisodesKey, str], list[Entry]] = {}
    sealed = {e.episodes: e.record.protocol.sha256 for e in entries if e.record.protocol.sha256}
    for entry in entries:
        sha256 = entry.record.protocol.sha256 or sealed.get(entry.episodes, "")
        groups.setdefault((entry.episodes, sha256), []).append(entry)
    tables = []
    for ((name, protocol, _, episodes, _), sha256), members in sorted(groups.items()):
        what = f"episodes {sha256[:8]}" if sha256 else "not evaluated yet"
        title = f"{name}, {protocol}, {episodes} test episodes ({what})"
        tables.append(Table(title, tuple(sorted(members, key=_rank))))
    return tuple(tables)


def _rank(entry: Entry) -> tuple[float, str, str]:
    outcome = entry.record.outcome
    if outcome is None:
        return (math.inf, entry.label, entry.record.name)
    best_first = -outcome.mean if entry.metric.higher_is_better else outcome.mean
    return (best_first, entry.label, entry.record.name)


def render(board: Leaderboard, form: Format) -> str:
    """Returns the leaderboard as text; CSV and JSON hold one flat table with plain numbers."""
    if form == "csv":
        return flat(board).to_csv(index=False).rstrip("\n")
    if form == "json":
        return flat(board).to_json(orient="records", indent=2)
    parts = []
    for table in board.tables:
        rows = [_row(entry) for entry in table.entries]
        if form == "markdown":
            rows = [{k: text.replace("|", r"\|") for k, text in row.items()} for row in rows]
        text = tabulate(rows, "keys", _TABULATE[form])
        heading = {"markdown": "### {}\n\n", "latex": "% {}\n", "html": "<h3>{}</h3>\n"}[form]
        parts.append(heading.format(table.title) + text)
    return "\n\n".join(parts)


def _row(entry: Entry) -> dict[str, str]:
    """Returns one line of a table for reading."""
    record, outcome = entry.record, entry.record.outcome
    metric, score = entry.metric, "-"
    if outcome and outcome.half_width is not None:
        score = metric.text(outcome.mean, outcome.half_width).replace(metric.unit, "", 1)
    seconds = record.seconds.get("training")
    return {
        "algorithm": entry.label,
        metric.heading: score,
        "setting": "transductive" if record.algorithm.transduction else "inductive",
        "backbone": record.algorithm.backbone or "-",
        "parameters": f"{record.algorithm.parameter_count:,}",
        "steps": f"{record.training.steps_done:,}" if record.training.steps_done else "-",
        "trained": "-" if seconds is None else f"{seconds:,.0f} s",
        "seed": str(record.training.seed),
        "status": record.status + (f": {record.error[:60]}" if record.error else ""),
        "run": entry.folder.name,
    }


def flat(board: Leaderboard) -> pd.DataFrame:
    """Returns all runs as one table, a row each, with plain numbers."""
    import pandas as pd  # most of the time of a leaderboard, and a table for reading needs none

    rows = []
    for table in board.tables:
        for entry in table.entries:
            record, outcome = entry.record, entry.record.outcome
            rows.append(
                {
                    "data": record.data.name,
                    "protocol": record.protocol.id,
                    "episodes": record.protocol.episodes,
                    "episodes_sha256": record.protocol.sha256,
                    "algorithm": record.algorithm.name,
                    "label": entry.label,
                    "backbone": record.algorithm.backbone,
                    "transductive": bool(record.algorithm.transduction),
                    "metric": entry.metric.name,
                    "mean": outcome.mean if outcome else None,
                    "half_width_95": outcome.half_width if outcome else None,
                    "parameters": record.algorithm.parameter_count,
                    "training_steps": record.training.steps_done,
                    "training_seconds": record.seconds.get("training"),
                    "seed": record.training.seed,
                    "status": record.status,
                    "error": record.error,
                    "run": str(entry.folder),
                }
            )
    return pd.DataFrame(rows)

"""Plain: a leaderboard as one flat table, a row for each run, for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.leaderboard.entry import Entry
from bench.leaderboard.row import Row
from bench.leaderboard.sections import Section
from bench.leaderboard.standing import Standing
from bench.leaderboard.tables import Leaderboard
from bench.leaderboard.timings import doubt, machine
from bench.leaderboard.variants import parameters_text

if TYPE_CHECKING:
    import pandas as pd

Value = str | float | int | bool | None


def flat(board: Leaderboard) -> pd.DataFrame:
    """Returns all runs as one table, a row each, with plain numbers.

    Those of several seeds repeat what they are together: row_mean, group and ranks.
    """
    import pandas as pd  # most of the time of a leaderboard, and a table for reading needs none

    return pd.DataFrame(
        [
            _run(entry) | _together(row, section, standing)
            for table in board.tables
            for section in table.sections
            for row, standing in zip(section.rows, section.standings, strict=True)
            for entry in row.entries
        ]
    )


def _run(entry: Entry) -> dict[str, Value]:
    record, outcome, cost = entry.record, entry.record.outcome, entry.record.cost
    return {
        "data": record.tested.name,
        "data_parameters": parameters_text(record.tested.parameters),
        "reshaped": record.tested.reshaped or None,
        "trained_on": record.data.name,
        "protocol": record.protocol.id,
        "episodes": record.protocol.episodes,
        "episodes_sha256": record.protocol.sha256,
        "algorithm": record.algorithm.name,
        "label": entry.label,
        "backbone": record.algorithm.backbone,
        "transductive": bool(record.algorithm.transduction),
        "measured": entry.measured or None,
        "metric": entry.metric.name,
        "mean": outcome.mean if outcome else None,
        "half_width_95": outcome.half_width if outcome else None,
        "parameters": record.algorithm.parameter_count,
        "training_steps": record.training.steps_done,
        "training_seconds": record.seconds.get("training"),
        "adapt_ms": cost.adapt_ms if cost else None,
        "cost_doubt": doubt(entry) or None,
        "machine": machine(entry),
        "seed": record.training.seed,
        "verified": entry.verified or None,
        "altered": entry.altered or None,
        "status": record.status,
        "error": record.error,
        "run": str(entry.folder),
    }


def _together(row: Row, section: Section, standing: Standing | None) -> dict[str, Value]:
    return {
        "section": section.title,
        "group": standing.group if standing else None,
        "rank_best": standing.best if standing else None,
        "rank_worst": standing.worst if standing else None,
        "row_seeds": len(row.seeds),
        "row_mean": row.mean,
        "row_half_width_95": row.half_width,
        "row_half_width_over": "seeds" if row.over_seeds else "episodes",
    }

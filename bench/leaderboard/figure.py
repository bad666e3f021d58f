"""Figure: the mean of a row with its interval, as it stands in a cell."""

from __future__ import annotations

from bench.leaderboard.row import Row
from bench.statistics.intervals import interval_text


def figure(row: Row) -> str:
    """Returns `97.67 ± 0.21`, with both spreads if the row has several seeds."""
    text = _mean(row)
    if row.over_seeds and row.over_episodes is not None:
        metric = row.metric
        each = f"{metric.factor * row.over_episodes:.{metric.places}f}"
        text += f" over seeds (each ± {each} over episodes)"
    return text


def short_figure(row: Row) -> str:
    """Returns `97.67 ± 0.21`, or `97.67 ± 0.52 (3 seeds)`."""
    return _mean(row) + (f" ({len(row.means)} seeds)" if row.over_seeds else "")


def _mean(row: Row) -> str:
    metric, mean, half_width = row.metric, row.mean, row.half_width
    if mean is None:
        return "-"
    if half_width is None:
        return metric.text(mean).replace(metric.unit, "", 1)
    outcome = row.first.record.outcome
    if row.over_seeds is None and outcome and outcome.intervals:
        return interval_text(mean, outcome.intervals[0], metric).replace(metric.unit, "", 1)
    return metric.text(mean, half_width).replace(metric.unit, "", 1)

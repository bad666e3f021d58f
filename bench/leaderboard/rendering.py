"""Rendering: a leaderboard as text, for reading or for other programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from tabulate import tabulate

from bench.comparison.rope import size_of, words
from bench.leaderboard.beside import beside
from bench.leaderboard.plain import flat
from bench.leaderboard.row import Row
from bench.leaderboard.sections import Section
from bench.leaderboard.standing import Standing
from bench.leaderboard.tables import Leaderboard, Table
from bench.leaderboard.timings import Timings, timings_of
from bench.statistics.intervals import interval_text

Format = Literal["markdown", "csv", "latex", "html", "json"]
Cells = dict[str, str]

_TABULATE = {"markdown": "pipe", "latex": "latex", "html": "html"}
_TITLE = {"markdown": "### {}", "latex": "% {}", "html": "<h3>{}</h3>"}
_SECTION = {"markdown": "#### {}", "latex": "\\par\\noindent\\textbf{{{}}}", "html": "<h4>{}</h4>"}
_NOTE = {"markdown": "{}", "latex": "\\par {{\\footnotesize {}}}", "html": "<p>{}</p>"}
_ESCAPES = {
    "latex": {c: f"\\{c}" for c in "%_#&$"}
    | {"^": r"\^{}", "~": r"\~{}", "±": r"$\pm$", "<": "$<$"},
    "html": {"&": "&amp;", "<": "&lt;", ">": "&gt;"},
    "markdown": {},
}


def render(board: Leaderboard, form: Format, *, published: bool = False) -> str:
    """Returns the leaderboard as text; CSV and JSON hold one flat table with plain numbers.

    With `published`, a second table below each has the numbers that papers print; not in CSV and
    JSON.
    """
    if form == "csv":
        return flat(board).to_csv(index=False).rstrip("\n")
    if form == "json":
        return flat(board).to_json(orient="records", indent=2)
    parts = [part for table in board.tables for part in _table(table, form, published)]
    parts += [_text(_NOTE[form], note, form) for note in board.notes]
    return "\n\n".join(parts)


def _table(table: Table, form: Format, published: bool) -> list[str]:
    """Returns the heading of a table, its sections, and what is to be known of them."""
    timings = timings_of(table.rows)
    parts = [_TITLE[form].format(table.title)]
    for section in table.sections:
        parts += [
            _text(_SECTION[form], section.title, form),
            _grid(_cells(table, section, timings), form),
        ]
    notes = [*table.notes, *_notes(table), *timings.notes]
    parts += [_text(_NOTE[form], note, form) for note in notes]
    if published:
        title, cells, rest = beside(table)
        parts.append(_text(_SECTION[form], title, form))
        parts += [_grid(cells, form)] if cells else []
        parts.append(_text(_NOTE[form], rest, form))
    return parts


def _grid(rows: Sequence[Cells], form: Format) -> str:
    if form == "markdown":
        rows = [{k: text.replace("|", r"\|") for k, text in row.items()} for row in rows]
    return str(tabulate(rows, "keys", _TABULATE[form], disable_numparse=True))


def _text(pattern: str, note: str, form: Format) -> str:
    return pattern.format("".join(_ESCAPES[form].get(char, char) for char in note))


def _cells(table: Table, section: Section, timings: Timings) -> list[Cells]:
    """Returns the lines of a section; columns that would be empty in all the table are left out."""
    lines = [
        _line(row, standing, timings)
        for row, standing in zip(section.rows, section.standings, strict=True)
    ]
    empty = _unneeded(table, section)
    return [{name: text for name, text in line.items() if name not in empty} for line in lines]


def _unneeded(table: Table, section: Section) -> set[str]:
    """Returns the columns that a section does not need."""
    records = [entry.record for entry in table.entries]
    absent = {
        "trained on": all(record.test_data is None for record in records),
        "adapt ms/task": all(record.cost is None for record in records),
        "verified": not any(row.verified for row in table.rows),
        "group": not section.ranked,
        "ranks": not section.ranked,
        "altered": not any(entry.altered for row in section.rows for entry in row.entries),
    }
    return {name for name, left_out in absent.items() if left_out}


def _line(row: Row, standing: Standing | None, timings: Timings) -> Cells:
    """Returns one line of a table for reading."""
    record = row.first.record
    error = f": {record.error[:60]}" if record.error else ""
    more = f" and {len(row.entries) - 1} more" if len(row.entries) > 1 else ""
    return {
        "method": row.first.label,
        row.metric.heading: _score(row),
        "group": standing.group if standing else "-",
        "ranks": standing.ranks if standing else "-",
        "setting": row.first.setting,
        "trained on": record.data.name,
        "backbone": record.algorithm.backbone or "-",
        "parameters": f"{record.algorithm.parameter_count:,}",
        "steps": f"{record.training.steps_done:,}" if record.training.steps_done else "-",
        "trained": timings.trained(row),
        "adapt ms/task": timings.adaptation(row),
        "seeds": f"{len(row.seeds)} seeds" if len(row.seeds) > 1 else f"seed {row.seeds[0]}",
        "verified": row.verified or "-",
        "altered": "; ".join(sorted({e.altered for e in row.entries if e.altered})) or "-",
        "status": record.status + error,
        "run": row.first.folder.name + more,
    }


def _score(row: Row) -> str:
    metric, mean, half_width = row.metric, row.mean, row.half_width
    if mean is None or half_width is None:
        return "-"
    outcome = row.first.record.outcome
    if row.over_seeds is None and outcome and outcome.intervals:
        return interval_text(mean, outcome.intervals[0], metric).replace(metric.unit, "", 1)
    text = metric.text(mean, half_width).replace(metric.unit, "", 1)
    if row.over_seeds and row.over_episodes is not None:
        each = f"{metric.factor * row.over_episodes:.{metric.places}f}"
        text += f" over seeds (each ± {each} over episodes)"
    return text


def _notes(table: Table) -> Iterable[str]:
    """Yields what the figures and letters of a table mean."""
    done = [row for row in table.rows if row.mean is not None]
    if not done:
        return
    several = any(row.over_seeds for row in done)
    folds = done[0].first.record.protocol.kind == "folds"
    yield (
        "±: the 95% interval, over "
        + ("images of these classes" if folds else "episodes drawn from these test images")
        + ("; over seeds: over trainings (Student t)" if several else "")
        + ". A row of one seed speaks of that one training."
    )
    if any(section.ranked and len(section.rows) > 1 for section in table.sections):
        metric = done[0].metric
        seeds = " (of several seeds, also with seeds as the unit)" if several else ""
        yield (
            "group: rows of a section that share a letter are not separable; ranks: the places "
            "that a row may have. Separable: paired t test on the same episodes"
            f"{seeds}, p < 0.05 after Holm's correction over all pairs of the section, and apart "
            f"by more than {words(metric, size_of(metric, None))}."
            + (" As folds ask for the same images again, this is about these images." * folds)
        )
    if not any(row.verified for row in done):
        yield "None of these runs has been verified (bench verify RUN)."

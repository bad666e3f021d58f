"""Rendering: a leaderboard as text, for reading or for other programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from bench.comparison.rope import size_of, words
from bench.leaderboard.beside import beside
from bench.leaderboard.figure import figure
from bench.leaderboard.markup import Cells, Reading, grid, note, section, title
from bench.leaderboard.plain import flat
from bench.leaderboard.row import Row
from bench.leaderboard.sections import Section
from bench.leaderboard.standing import BY_SEED, Standing
from bench.leaderboard.tables import Leaderboard, Table
from bench.leaderboard.timings import Timings, timings_of
from bench.leaderboard.variants import Variants

Format = Literal["csv", "json"] | Reading


def render(board: Leaderboard, form: Format, *, published: bool = False) -> str:
    """Returns the leaderboard as text; CSV and JSON hold one flat table with plain numbers.

    With `published`, a second table below each has the numbers that papers print; not in CSV and
    JSON.
    """
    if form == "csv":
        return flat(board).to_csv(index=False).rstrip("\n")
    if form == "json":
        return flat(board).to_json(orient="records", indent=2)
    parts = [part for table in board.tables for part in _table(table, board, form, published)]
    parts += [note(line, form) for line in board.notes]
    return "\n\n".join(parts)


def _table(table: Table, board: Leaderboard, form: Reading, published: bool) -> list[str]:
    """Returns the heading of a table, its sections, and what is to be known of them."""
    timings = timings_of(table.rows)
    parts = [title(table.title, form)]
    for one in table.sections:
        cells = _cells(table, one, timings, board.variants)
        parts += [section(one.title, form), grid(cells, form)]
    parts += [note(line, form) for line in (*table.notes, *_notes(table), *timings.notes)]
    if published:
        heading, cells, rest = beside(table)
        parts.append(section(heading, form))
        parts += [grid(cells, form)] if cells else []
        parts.append(note(rest, form))
    return parts


def _cells(table: Table, part: Section, timings: Timings, variants: Variants) -> list[Cells]:
    """Returns the lines of a section; columns that would be empty in all the table are left out."""
    lines = [
        _line(row, standing, timings, variants)
        for row, standing in zip(part.rows, part.standings, strict=True)
    ]
    empty = _unneeded(table, part)
    return [{name: text for name, text in line.items() if name not in empty} for line in lines]


def _unneeded(table: Table, part: Section) -> set[str]:
    """Returns the columns that a section does not need."""
    records = [entry.record for entry in table.entries]
    absent = {
        "trained on": all(record.test_data is None for record in records),
        "adapt ms/task": all(record.cost is None for record in records),
        "verified": not any(row.verified for row in table.rows),
        "group": not part.ranked,
        "ranks": not part.ranked,
        "altered": not any(entry.altered for row in part.rows for entry in row.entries),
    }
    return {name for name, left_out in absent.items() if left_out}


def _line(row: Row, standing: Standing | None, timings: Timings, variants: Variants) -> Cells:
    """Returns one line of a table for reading."""
    record = row.first.record
    error = f": {record.error[:60]}" if record.error else ""
    more = f" and {len(row.entries) - 1} more" if len(row.entries) > 1 else ""
    return {
        "method": row.first.label,
        row.metric.heading: figure(row),
        "group": standing.group if standing else "-",
        "ranks": standing.ranks if standing else "-",
        "setting": row.first.setting,
        "trained on": variants.label(record.data),
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


def _notes(table: Table) -> Iterable[str]:
    """Yields what the figures and letters of a table mean."""
    done = [row for row in table.rows if row.mean is not None]
    if not done:
        return
    several = any(row.over_seeds for row in done)
    folds = done[0].first.record.protocol.kind == "folds"
    yield (
        "±: the 95% interval, over "
        + ("examples of these classes" if folds else "episodes drawn from these test examples")
        + ("; over seeds: over trainings (Student t)" if several else "")
        + ". A row of one seed speaks of that one training."
    )
    if any(part.ranked and len(part.rows) > 1 for part in table.sections):
        metric = done[0].metric
        seeds = f" ({BY_SEED})" if several else ""
        yield (
            "group: rows of a section that share a letter are not separable; ranks: the places "
            "that a row may have. Separable: paired t test on the same episodes"
            f"{seeds}, p < 0.05 after Holm's correction over all pairs of the section, and apart "
            f"by more than {words(metric, size_of(metric, None))}."
            + (" As folds ask for the same examples again, this is about these." * folds)
        )
    if not any(row.verified for row in done):
        yield "None of these runs has been verified (bench verify RUN)."

"""Cells: a line of the reproduction table for reading."""

from __future__ import annotations

from bench.leaderboard.figure import figure
from bench.leaderboard.markup import Cells
from bench.leaderboard.timings import Timings
from bench.published import Published
from bench.recipe import size_of
from bench.reproduction.line import Line


def cells_of(line: Line, timings: Timings) -> Cells:
    """Returns the texts of a line; '' or '-' where there is nothing to say."""
    record, verdict = line.row.first.record, line.verdict
    seeds, runs = line.row.seeds, len(line.row.entries)
    return {
        "method": line.label,
        "recipe": "; ".join([line.recipe_label, *line.changed]),
        "trained at": "" if line.test.trained == line.test.size else line.test.trained,
        "test": _test(line),
        line.row.metric.heading: figure(line.row),
        "seeds": f"{len(seeds)} seeds" if len(seeds) > 1 else f"seed {seeds[0]}",
        "measured": line.measured,
        "published": published_text(line.number) if line.number else "-",
        "difference": _difference(line),
        "tolerance": "-" if verdict.tolerance is None else f"{verdict.tolerance:.2f}",
        "verdict": verdict_text(line),
        "steps": steps_text(line),
        "trained on": line.trained_on,
        "training core-s": timings.core_seconds(line.trained) if any(line.steps) else "-",
        "adapt ms/task": timings.adaptation(line.row),
        "parameters": f"{record.algorithm.parameter_count:,}",
        "verified": line.row.verified,
        "run": line.row.first.folder.name + (f" and {runs - 1} more" if runs > 1 else ""),
    }


def size_text(size: str) -> str:
    """Returns ways and shots for reading: `5-way 1-shot`."""
    ways, shots = size_of(size)
    return f"{ways}-way {shots}-shot"


def published_text(number: Published) -> str:
    """Returns a published number as printed, with its setting."""
    setting = "setting unclear" if number.setting == "unclear" else number.setting
    return f"{number.text} ({setting})"


def verdict_text(line: Line) -> str:
    """Returns the verdict, with `short` beside it if the training was shortened."""
    word = line.verdict.word
    return f"{word}, short" if line.short and word != "-" else word


def steps_text(line: Line) -> str:
    """Returns the steps trained, with the recipe's where they differ: `12,000 of ... (20%)`."""
    done = " / ".join(f"{steps:,}" for steps in line.steps)
    if line.asked is None or line.steps == (line.asked,):
        return done if any(line.steps) else "-"
    whose = "paper" if line.recipe.budget == "paper" else "recipe"
    share = " / ".join(share_text(steps, line.asked) for steps in line.steps)
    return f"{done} of the {whose}'s {line.asked:,} ({share})"


def share_text(steps: int, asked: int) -> str:
    """Returns steps as a share of those asked for: `20%`."""
    return f"{100 * steps / asked:.0f}%" if asked else "-"


def _test(line: Line) -> str:
    """Returns queries per class and episodes, and whose test it is."""
    protocol = line.row.first.record.protocol
    queries = "1 query" if protocol.queries == 1 else f"{protocol.queries} queries"
    whose = "paper" if line.recipe.budget == "paper" else "recipe"
    own = f", as in the {whose}" if line.test.own else ""
    return f"{queries} x {protocol.episodes}{own}"


def _difference(line: Line) -> str:
    difference, reason = line.verdict.difference, line.verdict.reason
    if difference is None:
        return "-"
    return f"({difference:+.2f}, {reason})" if reason else f"{difference:+.2f}"

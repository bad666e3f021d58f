"""Plain: the reproduction table as one flat table with plain numbers, for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Literal

import numpy as np

from bench.leaderboard.entry import Entry
from bench.leaderboard.timings import core_seconds, has_core_seconds, machine
from bench.recipe import read_recipe, size_of
from bench.reproduction.asked import Part, Reproduction
from bench.reproduction.line import Line
from bench.reproduction.names import algorithms_of, method_of
from bench.reproduction.result import Result
from bench.reproduction.verdict import deviation
from bench.suite import Test

Value = str | float | int | bool | None


def render_plain(table: Reproduction, form: Literal["csv", "json"]) -> str:
    """Returns a row for each line, and one for each test that has no result, as CSV or JSON.

    Accuracies are between 0 and 1; differences, tolerances and deviations are in points. Numbers
    have six places, as the last digits of a sum are another machine's to choose.
    """
    algorithms = algorithms_of(table.suite)
    rows = [
        {
            "size": part.size,
            "method": method_of(table.suite, test, algorithms),
            **_asked(test),
            **{name: _rounded(value) for name, value in row.items()},
        }
        for part in table.parts
        for test, row in _rows(part)
    ]
    if form == "json":
        return json.dumps(rows, indent=2, ensure_ascii=False)
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0]] if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def _rows(part: Part) -> Iterator[tuple[Test, dict[str, Value]]]:
    for place, seeds in part.asked.items():
        line = part.found.get(place)
        if line:
            yield line.test, _done(line)
        for one in seeds:
            if not one.is_done:
                yield one.test, _absent(one)


def _asked(test: Test) -> dict[str, Value]:
    recipe, (ways, shots) = read_recipe(test.training.recipe), size_of(test.size)
    return {
        "ways": ways,
        "shots": shots,
        "algorithm": str(recipe.values["algo"]),
        "mode": test.mode.name or None,
        "recipe": recipe.name,
        "budget": recipe.budget,
        "trained_at": test.trained,
        "test": "own" if test.own else "common",
    }


def _absent(one: Result) -> dict[str, Value]:
    nothing = dict.fromkeys(_NAMES)
    return nothing | {
        "state": one.state,
        "note": one.note or None,
        "seeds": str(one.test.seed),
        "run": one.folder.name if one.folder else None,
    }


def _done(line: Line) -> dict[str, Value]:
    record, row, verdict, number = line.row.first.record, line.row, line.verdict, line.number
    spread = deviation(row)
    return {
        "state": "done",
        "note": None,
        "seeds": " ".join(str(seed) for seed in row.seeds),
        "queries": record.protocol.queries,
        "episodes": record.protocol.episodes,
        "episodes_sha256": record.protocol.sha256,
        "mean": row.mean,
        "half_width_95": row.half_width,
        "half_width_over": "seeds" if row.over_seeds else "episodes",
        "deviation_over_seeds": None if spread is None else row.metric.factor * spread,
        "measured": line.measured,
        "published_method": number.method if number else None,
        "published": number.value if number else None,
        "published_text": number.text if number else None,
        "published_setting": number.setting if number else None,
        "published_source": number.source if number else None,
        "difference": verdict.difference,
        "tolerance": verdict.tolerance,
        "verdict": verdict.word,
        "reason": verdict.reason or None,
        "short": line.short,
        "changed": "; ".join(line.changed) or None,
        "steps": " ".join(str(steps) for steps in line.steps),
        "recipe_steps": line.asked,
        "trained_on": line.trained_on,
        "training_core_seconds": _mean([*map(core_seconds, line.trained.entries)]),
        "core_seconds_by_the_clock": not all(map(has_core_seconds, line.trained.entries)),
        "training_machine": "; ".join(sorted({*map(machine, line.trained.entries)})),
        "adapt_ms": _mean([*map(_adapt_ms, row.entries)]),
        "parameters": record.algorithm.parameter_count,
        "verified": row.verified or None,
        "run": row.first.folder.name,
    }


_NAMES = (
    *("state", "note", "seeds", "queries", "episodes", "episodes_sha256", "mean"),
    *("half_width_95", "half_width_over", "deviation_over_seeds", "measured", "published_method"),
    *("published", "published_text", "published_setting", "published_source", "difference"),
    *("tolerance", "verdict", "reason", "short", "changed", "steps", "recipe_steps", "trained_on"),
    *("training_core_seconds", "core_seconds_by_the_clock", "training_machine", "adapt_ms"),
    *("parameters", "verified", "run"),
)
"""What every row has, also that of a test without a result, where most of it is empty."""


def _rounded(value: Value) -> Value:
    return round(value, 6) if isinstance(value, float) else value


def _adapt_ms(entry: Entry) -> float | None:
    return entry.record.cost.adapt_ms if entry.record.cost else None


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None

"""Rendering: the reproduction table as text for reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from bench.leaderboard.markup import Cells, Reading, grid, listing, note, section, title
from bench.leaderboard.timings import Timings, has_core_seconds, machine, timings_of
from bench.published import Published
from bench.reproduction.asked import Part, Reproduction
from bench.reproduction.cells import cells_of, size_text
from bench.reproduction.line import Line
from bench.reproduction.names import recipe_name
from bench.reproduction.notrun import not_counted, not_run
from bench.reproduction.summary import compared, counts, summary
from bench.suite import Suite, Training

_EMPTY = ("", "-")


def render_reproduction(table: Reproduction, form: Reading) -> str:
    """Returns the reproduction table: a section for each size, and what is to be known of all."""
    trained = [line.trained for line in table.lines]
    timings = timings_of([*(line.row for line in table.lines), *trained])
    cells = {id(line): cells_of(line, timings) for line in table.lines}
    kept = {name for line in cells.values() for name, text in line.items() if text not in _EMPTY}
    numbers = any(True for _ in compared(table.suite, table.parts))
    heading = "published numbers beside ours" if numbers else "what the suite asks for"
    parts = [title(f"{table.suite.data}: {heading}", form)]
    parts += [note(table.suite.about, form)] if table.suite.about else []
    for part in table.parts:
        rows = [_only(cells[id(line)], kept) for line in part.lines]
        parts.append(section(size_text(part.size), form))
        parts += [grid(rows, form)] if rows else []
        parts += [note(text, form) for text in _below(table.suite, part)]
    parts += [note(text, form) for text in summary(table.suite, table.parts)]
    parts += [note(text, form) for text in _legend(table)]
    parts += [note(text, form) for text in _machines(table, timings)]
    sources = [*_sources(table.lines)]
    parts += [note("Published numbers:", form), listing(sources, form)] if sources else []
    return "\n\n".join(parts)


def _only(cells: Cells, names: set[str]) -> Cells:
    return {name: text for name, text in cells.items() if name in names}


def _below(suite: Suite, part: Part) -> Iterator[str]:
    """Yields what a section's lines need: their counts, what was not run, and why they miss."""
    numbers = [*compared(suite, [part])]
    if numbers:
        yield f"Published numbers reproduced here: {counts(numbers)}."
    yield from filter(None, (not_run(part), not_counted(part)))
    for line in part.lines:
        if line.mixed:
            yield f"The seeds of {line.label} differ in their {' and '.join(line.mixed)}."
    for number, training in enumerate(suite.training):
        if training.why and _needs_words(training, number, part):
            yield f"{recipe_name(training)}: {training.why}"


def _needs_words(training: Training, number: int, part: Part) -> bool:
    """Tells whether a training has anything here that is not plainly as published."""
    lines = [line for place, line in part.found.items() if place.training == number]
    asked = [
        one for place, seeds in part.asked.items() if place.training == number for one in seeds
    ]
    return len(asked) > sum(len(line.row.entries) for line in lines) or any(
        line.short or line.verdict.word in ("miss", "above") or line.verdict.reason
        for line in lines
    )


def _legend(table: Reproduction) -> Iterator[str]:
    """Yields what the words and figures of the table mean."""
    if not table.lines:
        return
    tolerance, held = table.suite.tolerance, [line for line in table.lines if line.number]
    several = any(line.row.over_seeds for line in table.lines)
    yield (
        "±: the 95% interval, over episodes drawn from these test examples"
        + ("; over seeds: over trainings (Student t)" if several else "")
        + ". measured: what the audit found of whether queries inform one another."
    )
    if held:
        single = any(line.row.over_seeds is None for line in held)
        alone = "; of one seed, which has no deviation, the points alone count"
        yield (
            f"tolerance, fixed beforehand: the larger of {_number(tolerance.points, 'point')} and "
            f"{_number(tolerance.deviations, 'standard deviation')} over seeds"
            + (alone if single else "")
            + ". pass: no further from the published number than that; above: better by more; "
            "miss: worse by more. Another mode: queries inform one another in one of the two "
            "numbers and not in the other, so they are not compared; where a paper's setting is "
            "unclear, they are."
        )
    if any(line.short for line in table.lines):
        yield "short: trained for fewer steps than the recipe says."
    trained = [entry for line in table.lines if any(line.steps) for entry in line.trained.entries]
    if not all(map(has_core_seconds, trained)):
        yield "by the clock: an earlier record, which has no core-seconds; this is its time."


def _number(value: float, what: str) -> str:
    return f"{value:g} {what}{'' if value == 1 else 's'}"


def _machines(table: Reproduction, timings: Timings) -> Iterator[str]:
    """Yields which machines trained, and what the leaderboard says of timings."""
    trained = [entry for entry in table.trainings if entry.record.training.steps_done]
    if trained:
        counted = Counter(map(machine, trained))
        numbered = timings.machines if len(timings.machines) > 1 else ()
        told = [
            f"{_number(number, 'training')} on "
            + (f"[{1 + numbered.index(name)}]" if name in numbered else name)
            for name, number in sorted(counted.items())
        ]
        yield f"Trained: {'; '.join(told)}."
    yield from timings.notes


def _sources(lines: Sequence[Line]) -> Iterator[str]:
    """Yields where each method's numbers were read, and how its test was another."""
    numbers: dict[tuple[str, str], Published] = {}
    for line in lines:
        if line.number:
            numbers.setdefault((line.number.method, line.number.source), line.number)
    for one in numbers.values():
        yield f"{one.method}: {one.source}" + (f"; {one.note}" if one.note else "")

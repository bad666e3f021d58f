"""Report: everything that is derived from the records of a suite, as files with their contents.

The tables and figures of `DIR/suite.toml` stand beside DIR: `DIR.md`, `DIR.csv`, `DIR.tex`,
`DIR.html`, and `figures/DIR-*.png`. The same records give the same bytes, but for figures that
another version of matplotlib draws.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.errors import BenchError, NothingMatched
from bench.figures.answered import Answered
from bench.figures.compute import compute_figure
from bench.figures.courses import courses_of
from bench.figures.curves import curves_figure
from bench.figures.likeness import alike
from bench.figures.look import png
from bench.figures.marks import Panel, panel_of, size_text
from bench.figures.sheet import sheet
from bench.leaderboard import collect, render
from bench.leaderboard.markup import Reading
from bench.marked import rewritten
from bench.recipe import size_of
from bench.reproduction import Line, Reproduction, compact, render_plain, render_reproduction
from bench.results import PREDICTIONS_FILE

FIGURES = "figures"
"""The folder of the figures, beside the suite's."""
_ENDINGS: dict[Reading, str] = {"markdown": "md", "latex": "tex", "html": "html"}


@dataclass(frozen=True)
class Derived:
    """A file and what it should hold."""

    path: Path
    content: bytes

    @property
    def is_current(self) -> bool:
        """Whether the file holds that; of a picture, whether it shows the same."""
        try:
            kept = self.path.read_bytes()
        except OSError:
            return False
        if self.path.suffix == ".png":
            return alike(kept, self.content)
        return kept == self.content


def tables(folder: Path, table: Reproduction) -> Iterator[Derived]:
    """Yields the tables of a suite in every format: what it asks for, then all runs, ranked."""
    board = collect(folder)
    for form, ending in _ENDINGS.items():
        text = f"{render_reproduction(table, form)}\n\n{render(board, form)}\n"
        yield Derived(_beside(folder, f"{folder.name}.{ending}"), text.encode())
    text = f"{render_plain(table, 'csv')}\n"
    yield Derived(_beside(folder, f"{folder.name}.csv"), text.encode())


def figures(folder: Path, table: Reproduction) -> Iterator[Derived]:
    """Yields the figures that need the records alone: of the first size, and of all.

    Raises:
        NothingMatched: no test that all rows share is done yet.
    """
    shown = [(part.size, panel_of(part.size, part.lines)) for part in table.parts]
    panels = [(size, panel) for size, panel in shown if panel]
    if not panels:
        raise NothingMatched(f"no test of the suite in {folder} is done; make some: bench suite")
    (size, first), everything = panels[0], [panel for _, panel in panels]
    title = f"{table.suite.data.capitalize()}: accuracy against compute"
    yield _compute(folder, "compute", [first], title)
    if len(everything) > 1:
        yield _compute(folder, "compute-all", everything, title)
    courses = courses_of(table.trainings, *size_of(size))
    if courses:
        heading = f"{table.suite.data.capitalize()}, {size_text(size)}: learning curves"
        made = png(lambda: curves_figure(courses, heading), _hash([heading, courses]))
        yield Derived(figure_path(folder, "curves"), made)


def example(table: Reproduction) -> Line | None:
    """Returns the line whose answers the example episode shows: the suite's first that fits.

    It was trained, judges each query alone, and kept its answers to the test that all share.
    """
    for part in table.parts[:1]:
        for line in part.lines:
            alone = line.row.first.measured in ("", "inductive")
            kept = (line.row.first.folder / PREDICTIONS_FILE).is_file()
            if not line.test.own and any(line.steps) and alone and kept:
                return line
    return None


def episode_title(line: Line) -> str:
    """Returns what the example episode is called."""
    data = line.row.first.record.tested.name.capitalize()
    return f"{data}, {size_text(line.test.size)}: episode 0 of the test"


def episode(folder: Path, line: Line, shown: Answered) -> Derived:
    """Returns the picture of the example episode.

    Raises:
        BenchError: its inputs are no images.
    """
    method = line.row.first.record.algorithm.name
    if len(shown.episode.input_shape) != 3:
        raise BenchError("its inputs are no images")
    images = [
        hashlib.sha256(part.tobytes()).hexdigest()
        for one in shown.episode.classes
        for part in (one.support, one.query)
    ]
    digest = _hash([shown.episode.title, method, shown.answers, images])
    return Derived(figure_path(folder, "episode"), png(lambda: sheet(shown, method), digest))


def readme(path: Path, folder: Path, table: Reproduction) -> Derived:
    """Returns a text with the suite's short table between its marks.

    Raises:
        BenchError: the file cannot be read, or the marks are missing or do not go together.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise BenchError(f"--readme {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BenchError(f"--readme {path} is not a text in UTF-8") from None
    parts = {f"{folder.name} table": compact(table)}
    return Derived(path, rewritten(text, parts, str(path)).encode())


def figure_path(folder: Path, name: str) -> Path:
    """Returns where a figure of a suite stands."""
    return _beside(folder, f"{FIGURES}/{folder.name}-{name}.png")


def _beside(folder: Path, name: str) -> Path:
    return folder.parent / name


def _compute(folder: Path, name: str, panels: list[Panel], title: str) -> Derived:
    made = png(lambda: compute_figure(panels, title), _hash([title, panels]))
    return Derived(figure_path(folder, name), made)


def _hash(drawn: object) -> str:
    return hashlib.sha256(msgspec.json.encode(drawn)).hexdigest()

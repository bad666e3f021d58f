"""Sheet: an episode of images for a README, with the wrong answers of a run marked."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from bench.contactsheet import tile_of
from bench.figures.answered import Answered
from bench.figures.look import DOTS, FAINT, INK, LARGE, SMALL, WIDTH, canvas
from bench.lettering import fitted

_WRONG = "#D55E00"
_MARGIN, _GAP, _DIVIDER = 20, 8, 48
"""Dots around the sheet, between tiles, and between support and queries."""
_LARGEST = 200
"""Dots of a side of a small image's tile."""
_HEAD, _NAME, _FOOT = 122, 38, 14
"""Dots of the head, of a class's name, and below a row."""


@dataclass(frozen=True)
class Grid:
    """Where the tiles stand, in dots from the upper left corner."""

    tile: int
    shots: int
    queries: int
    ways: int

    @classmethod
    def of(cls, shown: Answered) -> Grid:
        """Returns the grid of an episode: tiles are as large as the width allows.

        Small images are enlarged by a whole number, so that their pixels stay square.
        """
        classes = shown.episode.classes
        shots, queries = (
            max(len(part) for part in parts)
            for parts in ([c.support for c in classes], [c.query for c in classes])
        )
        room = round(WIDTH * DOTS) - 2 * _MARGIN - _DIVIDER
        side = max(shown.episode.input_shape[1:])
        tile = min(max(room // (shots + queries) - _GAP, 1), max(side, _LARGEST))
        whole = tile // side * side if tile >= side else tile
        return cls(whole, shots, queries, len(classes))

    @property
    def height(self) -> int:
        """Of the sheet."""
        return _HEAD + self.ways * (_NAME + self.tile + _FOOT) + _MARGIN // 2

    def row(self, number: int) -> int:
        """Returns where the tiles of a class begin."""
        return _HEAD + number * (_NAME + self.tile + _FOOT) + _NAME

    def left(self, place: int, is_query: bool) -> int:
        """Returns where a tile begins."""
        step = self.tile + _GAP
        start = _MARGIN + (self.shots * step - _GAP + _DIVIDER if is_query else 0)
        return start + place * step


def sheet(shown: Answered, method: str) -> Figure:
    """Returns the picture of an episode of images; wrong answers of the method are framed.

    A frame has the number of the class that was said.
    """
    grid = Grid.of(shown)
    made = canvas(grid.height / DOTS)
    _write(made, shown.episode.title, _MARGIN, 18, LARGE, bold=True)
    _write(made, "support", _MARGIN, 82, SMALL)
    told = f"queries: {method} answers {shown.right} of {shown.asked} right"
    if shown.right < shown.asked:
        told += "; wrong answers are framed, with the class that was said"
    _write(made, told, max(grid.left(0, True), _MARGIN + 110), 82, SMALL)
    for number, (one, answers) in enumerate(zip(shown.episode.classes, shown.answers, strict=True)):
        top = grid.row(number)
        _write(made, f"{number + 1}  {one.name}", _MARGIN, top - _NAME + 6, SMALL)
        for is_query, images in ((False, one.support), (True, one.query)):
            for place, image in enumerate(images):
                tile = tile_of(image, grid.tile)
                bottom = grid.height - top - grid.tile
                made.figimage(tile[::-1], grid.left(place, is_query), bottom, origin="lower")
        for place, said in enumerate(answers):
            if said != number:
                _frame(made, grid, grid.left(place, True), top, str(said + 1))
        x = (grid.left(0, True) - _DIVIDER / 2) / (WIDTH * DOTS)
        ends = [1 - y / grid.height for y in (top, top + grid.tile)]
        made.add_artist(Line2D([x, x], ends, color=FAINT, linewidth=0.8))
    return made


def _frame(made: Figure, grid: Grid, left: int, top: int, said: str) -> None:
    """Frames a tile, and writes into its corner what was said."""
    wide, high = WIDTH * DOTS, grid.height
    low = 1 - (top + grid.tile) / high
    around = (left - 3) / wide, low - 3 / high
    size = (grid.tile + 6) / wide, (grid.tile + 6) / high
    made.add_artist(Rectangle(around, *size, fill=False, edgecolor=_WRONG, linewidth=1.8))
    made.text(
        (left + grid.tile) / wide,
        low,
        said,
        size=SMALL,
        weight="bold",
        color="white",
        ha="right",
        va="bottom",
        bbox={"facecolor": _WRONG, "edgecolor": "none", "pad": 1.5},
    )


def _write(
    made: Figure, text: str, left: float, top: float, size: float, *, bold: bool = False
) -> None:
    weight = "bold" if bold else "normal"
    room = WIDTH * DOTS - left - _MARGIN
    made.text(
        left / (WIDTH * DOTS),
        1 - top / made.bbox.height,
        fitted(made, text, size, room, weight),
        size=size,
        weight=weight,
        color=INK,
        va="top",
        parse_math=False,
    )

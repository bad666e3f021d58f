"""Contact sheets: the images of an episode, class by class, support left and queries right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from PIL import Image

from bench.episodeview import ClassView, EpisodeView, Inputs
from bench.lettering import families, figure, fitted

WIDTH = 1000
"""Of a sheet, in pixels."""
MARGIN, GAP, DIVIDER = 12, 3, 16
"""Pixels around the sheet, between tiles, and between support and queries."""
SMALLEST, WRAPPED, LARGEST = 52, 64, 128
"""Sides of a tile: the least in one line, the least where rows are wrapped, and the largest."""
NAME, HEAD = 24, 76
"""Heights of a class's name, and of the sheet's head."""
MOST = 60
"""Support images, and queries, of a class that are shown; of others the number is."""
LABEL = 60
"""Width of the word that stands over the support."""


@dataclass(frozen=True)
class Grid:
    """Where tiles stand: their side, how many columns support and queries have, lines per class."""

    tile: int
    support_columns: int
    query_columns: int
    lines: tuple[int, ...]

    @classmethod
    def of(cls, episode: EpisodeView) -> Grid:
        """Returns the grid in which the episode's images fit."""
        sizes = [(min(len(c.support), MOST), min(len(c.query), MOST)) for c in episode.classes]
        shots, queries = max(size[0] for size in sizes), max(size[1] for size in sizes)
        room = WIDTH - 2 * MARGIN - DIVIDER
        for wrapped in range(1, shots + queries + 1):
            columns = (-(-shots // wrapped), -(-queries // wrapped))
            tile = min(LARGEST, room // sum(columns) - GAP)
            if tile >= (SMALLEST if wrapped == 1 else WRAPPED):
                break
        tile = _whole_times(tile, max(episode.input_shape[1:]))
        lines = tuple(
            max(-(-known // max(columns[0], 1)), -(-asked // max(columns[1], 1)))
            for known, asked in sizes
        )
        return cls(tile, *columns, lines)

    @property
    def height(self) -> int:
        """Of the sheet, in pixels."""
        return HEAD + sum(map(self.row_height, range(len(self.lines)))) + MARGIN

    def row_height(self, number: int) -> int:
        """Returns the height of a class's row, its name included, in pixels."""
        return NAME + self.lines[number] * (self.tile + GAP) + GAP

    def top(self, number: int) -> int:
        """Returns where the row of a class begins, from the top, in pixels."""
        return HEAD + sum(map(self.row_height, range(number)))

    @property
    def divider(self) -> int:
        """Where the line between support and queries stands, from the left, in pixels."""
        return MARGIN + self.support_columns * (self.tile + GAP) - GAP + DIVIDER // 2

    def place(self, row: int, number: int, is_query: bool) -> tuple[int, int]:
        """Returns left and top of a tile in pixels: that of an image of class number `row`."""
        columns = self.query_columns if is_query else self.support_columns
        line, column = divmod(number, columns)
        left = self.divider + DIVIDER // 2 if is_query else MARGIN
        step = self.tile + GAP
        return left + column * step, self.top(row) + NAME + line * step


def contact_sheet(episode: EpisodeView) -> Figure:
    """Returns the sheet of an episode of images (channels, height, width).

    Small images are enlarged by a whole number, so that their pixels stay square. Of more than
    three channels the first three are shown, of two the first; values that are no bytes are
    stretched from the least to the largest of the episode.
    """
    grid = Grid.of(episode)
    sheet = figure(WIDTH, grid.height)
    scale = _scale(episode)
    _text(sheet, MARGIN, 14, fitted(sheet, episode.title, 11, WIDTH - 2 * MARGIN, "bold"), 11, True)
    _text(sheet, MARGIN, 48, "support", 9)
    _text(sheet, max(grid.divider + DIVIDER // 2, MARGIN + LABEL), 48, "queries", 9)
    for row, one in enumerate(episode.classes):
        name = fitted(sheet, _named(one), 10, WIDTH - 2 * MARGIN)
        _text(sheet, MARGIN, grid.top(row) + 4, name, 10)
        for is_query, inputs in enumerate((one.support, one.query)):
            for number, image in enumerate(inputs[:MOST]):
                left, top = grid.place(row, number, bool(is_query))
                _paste(sheet, tile_of(image, grid.tile, scale), left, top)
        low, high = grid.top(row) + NAME, grid.top(row) + grid.row_height(row) - 2 * GAP
        across, up = [grid.divider / WIDTH] * 2, [1 - y / grid.height for y in (low, high)]
        sheet.add_artist(Line2D(across, up, color="0.6", linewidth=1))
    return sheet


def tile_of(
    image: Inputs, side: int, scale: tuple[float, float] = (0.0, 255.0)
) -> NDArray[np.uint8]:
    """Returns an image (channels, h, w) as a tile (side, side, 3) with its proportions kept.

    `scale` has the values that become black and white.
    """
    low, high = scale
    shown = (image[:3] if len(image) >= 3 else image[[0, 0, 0]]).astype(np.float64)
    bytes_ = ((shown - low) / max(high - low, 1e-9) * 255).round().clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(bytes_.transpose(1, 2, 0)))
    ratio = side / max(picture.size)
    how = Image.Resampling.NEAREST if ratio >= 1 else Image.Resampling.LANCZOS
    size = (max(1, round(picture.width * ratio)), max(1, round(picture.height * ratio)))
    tile = Image.new("RGB", (side, side), "white")
    tile.paste(picture.resize(size, how), ((side - size[0]) // 2, (side - size[1]) // 2))
    return np.asarray(tile)


def _named(one: ClassView) -> str:
    """Returns the name of a class, and how many images it has that are not shown."""
    more = max(len(one.support) - MOST, 0), max(len(one.query) - MOST, 0)
    parts = [f"{n} {what} more" for n, what in zip(more, ("known", "queries"), strict=True) if n]
    return f"{one.name} (and {', '.join(parts)})" if parts else one.name


def _whole_times(tile: int, side: int) -> int:
    """Returns the side of a tile, a multiple of the image's if the image is smaller."""
    return side * (tile // side) if side <= tile else tile


def _scale(episode: EpisodeView) -> tuple[float, float]:
    parts = [part for one in episode.classes for part in (one.support, one.query) if part.size]
    if parts[0].dtype == np.uint8:
        return 0.0, 255.0
    return min(float(part.min()) for part in parts), max(float(part.max()) for part in parts)


def _text(
    sheet: Figure, left: float, top: float, text: str, points: float, bold: bool = False
) -> None:
    height = sheet.bbox.height
    sheet.text(
        left / WIDTH,
        1 - top / height,
        text,
        size=points,
        weight="bold" if bold else "normal",
        family=list(families()),
        va="top",
        parse_math=False,
    )


def _paste(sheet: Figure, tile: NDArray[np.uint8], left: int, top: int) -> None:
    """Puts a tile on the sheet, pixel for pixel."""
    bottom = round(sheet.bbox.height) - top - len(tile)
    sheet.figimage(tile[::-1], left, bottom, origin="lower")

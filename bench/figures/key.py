"""Key: what colours and signs mean, written below the panels of a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.figures.look import INK, SMALL

SIDE = 6.5
"""Of a marker, in points."""
Fill = Literal["full", "left", "hollow"]
Entry = tuple[Line2D, str]


@dataclass(frozen=True)
class Key:
    """The families whose colours are explained, and other signs with their meanings."""

    families: tuple[str, ...]
    meanings: tuple[Entry, ...] = ()

    @property
    def lines(self) -> int:
        """How many there are, one below the other."""
        columns = 3 if self.meanings else 4
        return max(len(self.meanings), math.ceil(len(self.families) / columns))

    @property
    def height(self) -> float:
        """In inches."""
        return 0.17 * self.lines + 0.08

    def write(self, made: Figure, colours: dict[str, str]) -> None:
        """Writes the key at the bottom of a figure."""
        if not self.lines:
            return
        entries = [(dot_sign(colours[family], "full"), family) for family in self.families]
        _write(made, 0.06, self.height, entries, math.ceil(len(self.families) / self.lines))
        _write(made, 0.62, self.height, self.meanings, 1)


def dot_sign(colour: str, fill: Fill, shape: str = "o", **more: Any) -> Line2D:
    """Returns a marker: full, half white, or white within; `more` is for Line2D."""
    given = {"xdata": [], "ydata": [], **more}
    return Line2D(
        marker=shape,
        markersize=SIDE,
        linestyle="none",
        color=colour,
        fillstyle="left" if fill == "left" else "full",
        markeredgewidth=1.4,
        markerfacecolor="white" if fill == "hollow" else colour,
        markerfacecoloralt="white",
        **given,
    )


def _write(made: Figure, left: float, top: float, entries: Sequence[Entry], columns: int) -> None:
    if not entries:
        return
    made.legend(
        [sign for sign, _ in entries],
        [meaning for _, meaning in entries],
        loc="upper left",
        bbox_to_anchor=(left, top / made.get_figheight()),
        ncols=columns,
        frameon=False,
        fontsize=SMALL,
        handletextpad=0.5,
        columnspacing=1.6,
        borderaxespad=0.0,
        borderpad=0.0,
        labelcolor=INK,
    )

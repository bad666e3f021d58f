"""Lettering: text in pictures, in fonts that have its characters, cut where it is too long."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font

DOTS = 100
"""Dots per inch of all pictures: a point is 100/72 pixels."""
_FALLBACKS = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Droid Sans Fallback"),
    *("Arial Unicode MS", "Hiragino Sans", "Microsoft YaHei", "Malgun Gothic", "Noto Sans"),
)


@cache
def families() -> tuple[str, ...]:
    """Returns the fonts to write in: matplotlib's own, and installed ones that have more."""
    installed = set(fontManager.get_font_names())
    return ("DejaVu Sans", *(name for name in _FALLBACKS if name in installed))


@cache
def _characters() -> frozenset[int]:
    """Returns the characters that the fonts have."""
    paths = (fontManager.findfont(FontProperties(family=[name])) for name in families())
    return frozenset(code for path in paths for code in get_font(path).get_charmap())


def without_glyphs(texts: Iterable[str]) -> str:
    """Returns the characters of the texts that no font has, each once, sorted."""
    used = {c for text in texts for c in text if not c.isspace()}
    return "".join(sorted(c for c in used if ord(c) not in _characters()))


def figure(width: int, height: int) -> Figure:
    """Returns an empty picture of a size in pixels, which is not any window's."""
    made = Figure(figsize=(width / DOTS, height / DOTS), dpi=DOTS, facecolor="white")
    FigureCanvasAgg(made)
    return made


def fitted(canvas: Figure, text: str, points: float, width: float, weight: str = "normal") -> str:
    """Returns a text in one line, its middle left out if it is wider than `width` pixels."""
    line = " ".join(text.split())
    kept = len(line)
    while kept > 2:
        shown = line if kept == len(line) else f"{line[: kept - kept // 2]}…{line[-(kept // 2) :]}"
        if _width(canvas, shown, points, weight) <= width:
            return shown
        kept = min(kept - 1, int(kept * 0.95))
    return line[:2]


def _width(canvas: Figure, text: str, points: float, weight: str) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that no font has
        drawn = canvas.text(
            0, 0, text, size=points, weight=weight, family=list(families()), parse_math=False
        )
        extent = drawn.get_window_extent()
    drawn.remove()
    return float(extent.width)


def save(made: Figure, path: Path) -> None:
    """Writes a picture as PNG; raises OSError if that cannot be done."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that no font has
        made.savefig(path, format="png", dpi=DOTS, metadata={"Software": None})

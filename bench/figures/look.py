"""Look: sizes, colours and letters that all figures share, so that they are legible in a README.

A README shows pictures about 830 pixels wide. A figure is 8.3 inches wide, so that 8 points are 11
pixels there, and is written with twice the dots for fine screens.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, PngImagePlugin

WIDTH = 8.3
"""Inches."""
DOTS = 200
"""Per inch."""
SMALL, MIDDLE, LARGE = 8.0, 8.5, 10.5
"""Sizes of letters in points: labels, names of axes, titles."""
INK, FAINT = "0.15", "0.55"
"""Greys of letters and of what stands behind."""
COLOURS = 128
"""In a file's palette; more are not seen, and make it larger."""
DRAWN = "Drawn"
"""The key of a PNG under which the hash of what was drawn stands."""

_FAMILIES = {
    "metric": "#0072B2",
    "optimisation": "#D55E00",
    "closed-form head": "#009E73",
    "transfer": "#E69F00",
    "task embedding": "#56B4E9",
    "memory": "#CC79A7",
    "transductive": "#332288",
    "floor": "#777777",
}
_OTHERS = ("#117733", "#882255", "#999933", "#661100")


@contextmanager
def own_settings() -> Iterator[None]:
    """Draws with matplotlib's defaults, whatever the user's matplotlibrc says."""
    settings: Any = {**rcParamsDefault, "font.family": ["DejaVu Sans"], "font.size": SMALL}
    del settings["backend"]
    with rc_context(settings):  # Any: its stubs want every key as a literal
        yield


def colours_of(families: Iterable[str]) -> dict[str, str]:
    """Returns a colour for each family, the same in every figure and told apart by all eyes.

    Families that are not bench's own take what is left, in the order of their names.
    """
    named = sorted(set(families))
    strange = [name for name in named if name not in _FAMILIES]
    own = {name: _OTHERS[place % len(_OTHERS)] for place, name in enumerate(strange)}
    return {name: _FAMILIES.get(name) or own[name] for name in named}


def family_order(families: Iterable[str]) -> list[str]:
    """Returns families in the order in which legends name them."""
    known = [*_FAMILIES]
    return sorted(set(families), key=lambda one: (one not in known, [*known, one].index(one), one))


def canvas(height: float) -> Figure:
    """Returns an empty white figure of the common width and so many inches of height."""
    made = Figure(figsize=(WIDTH, height), dpi=DOTS, facecolor="white")
    FigureCanvasAgg(made)
    return made


def bare(axes: Axes) -> None:
    """Takes off the lines that say nothing, and puts a faint grid behind."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.grid(color="0.91", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SMALL, color=FAINT, labelcolor=INK)
    axes.minorticks_off()


def png(draw: Callable[[], Figure], drawn: str) -> bytes:
    """Returns a figure as the bytes of a PNG, the same for the same figure.

    `drawn` is the hash of what it shows, which is kept in the file.
    """
    with own_settings():
        raw = io.BytesIO()
        draw().savefig(raw, format="png", dpi=DOTS, metadata={"Software": None})
    picture = Image.open(raw).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    known = PngImagePlugin.PngInfo()
    known.add_text(DRAWN, drawn)
    content = io.BytesIO()
    picture.save(content, format="PNG", optimize=True, pnginfo=known)
    return content.getvalue()

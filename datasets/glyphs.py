"""Letters of the world's scripts, drawn from matplotlib's fonts: the default; needs no download."""

from __future__ import annotations

import importlib.util
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fontTools.ttLib import TTFont
from numpy.typing import NDArray

from bench import BenchError, ClassExamples, DataFiles, Dataset, ImageForm, Split, hookimpl

from ._glyph_drawing import SIZE, Distortion, Outlines, batch, fill, outline, squared

SCRIPTS: dict[str, Split] = {
    "LATIN": "train",
    "CYRILLIC": "train",
    "CANADIAN": "train",
    "TIFINAGH": "train",
    "GREEK": "val",
    "COPTIC": "val",
    "ARMENIAN": "val",
    "ARABIC": "test",
    "GEORGIAN": "test",
    "HEBREW": "test",
    "LAO": "test",
    "NKO": "test",
    "OLD": "test",
    "OGHAM": "test",
}
"""The first word of a letter's Unicode name, which never changes; "OLD" is Old Italic.

Of letters that look alike the one of the earlier script stays, so what test has, train never had.
"""

FACES = ("Sans", "Sans-Bold", "Serif", "Serif-Bold", "SansMono", "SansMono-Bold")
"""The upright DejaVu faces. Every letter is in the first; slanted ones would only add shear."""

TWINS = 0.97
TWINS_ACROSS_SPLITS = 0.90
"""The likeness of two undistorted letters from which on the later one is dropped.

From 0.90 on, letters of two scripts are the same to the eye, or differ in the kind of accent.
Such pairs may stay as hard ones inside a split, up to 0.97, but not across splits.
"""

LIKE_PROPORTIONS = 1.5
"""Widths to heights that differ by less are compared as squares: drawings are stretched as far."""

DISTORTION = Distortion()


@dataclass(frozen=True)
class Face:
    """One font file: the glyph names by character, and fontTools' glyf table, which has no type."""

    names: dict[int, str]
    table: Any

    def outline(self, code: int) -> Outlines:
        points, ends, flags = self.table[self.names[code]].getCoordinates(self.table)
        on_curve = np.array(list(flags), dtype=np.uint8) & 1 == 1
        return outline(np.array(list(points), dtype=np.float64), on_curve, list(ends))


@dataclass(frozen=True)
class Letter:
    """A character that becomes a class."""

    code: int
    name: str
    split: Split


class Glyphs(Dataset):
    """Letters of 14 scripts, each split by script, in drawings that vary face, width and shape.

    The test scripts, and whatever in them looks like a letter of a train script, are never seen
    in training. Letters that look alike are one class.

    Args:
        drawings: drawings per letter.
        seed: seed of the drawings; the letters and their splits stay.
    """

    name = "glyphs"
    licence = "DejaVu fonts licence (Bitstream Vera); the fonts come with matplotlib"

    def __init__(self, *, drawings: int = 20, seed: int = 0) -> None:
        if drawings < 2:
            raise BenchError(f"glyphs: drawings is {drawings}; it needs at least 2")
        if not 0 <= seed < 2**64:
            raise BenchError(f"glyphs: seed is {seed}; it needs to be from 0 to 2**64 - 1")
        self.drawings, self.seed = drawings, seed

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        for letter in letters():
            rng = np.random.Generator(np.random.Philox(key=[self.seed, letter.code]))
            styles = [face.outline(letter.code) for face in faces() if letter.code in face.names]
            chosen = rng.integers(len(styles), size=self.drawings)
            images = fill(DISTORTION(batch([styles[style] for style in chosen]), rng))
            yield ClassExamples(letter.name, letter.split, images[:, None])

    def form(self) -> ImageForm:
        """Returns the form that dark ink on white takes here."""
        return ImageForm(SIZE, SIZE, "L", resampling="lanczos", inverted=True)

    def group(self, name: str) -> str:
        """Returns the script, by the first word of the letter's name."""
        return name.split()[0]

    def class_count(self) -> int:
        return len(letters())


@cache
def letters() -> tuple[Letter, ...]:
    """Returns the letters of all splits, look-alikes once."""
    candidates = _candidates()
    likeness = _likeness([faces()[0].outline(letter.code) for letter in candidates])
    splits = np.array([letter.split for letter in candidates])
    kept: list[int] = []
    for i in range(len(candidates)):
        limit = np.where(splits[kept] == splits[i], TWINS, TWINS_ACROSS_SPLITS)
        if np.all(likeness[i, kept] < limit):
            kept.append(i)
    return tuple(candidates[i] for i in kept)


def _candidates() -> list[Letter]:
    """Returns the letters of the first face, by script and code point."""
    scripts = list(SCRIPTS)
    found = []
    for code, glyph in faces()[0].names.items():
        character = chr(code)
        script = unicodedata.name(character, "-").split()[0]
        is_letter = unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lo")
        # Unicode's font variants, such as Hebrew wide letters, are the same letters stretched.
        is_variant = unicodedata.decomposition(character).startswith("<font>")
        if script in SCRIPTS and is_letter and not is_variant and glyph != ".notdef":
            letter = Letter(code, unicodedata.name(character), SCRIPTS[script])
            found.append((scripts.index(script), code, letter))
    return [letter for _, _, letter in sorted(found)]


def _likeness(outlines: list[Outlines]) -> NDArray[np.float64]:
    """Returns how alike any two of the n outlines are, from 0 to 1, as (n, n)."""
    sides = np.array([np.ptp(drawing.points, axis=0) for drawing in outlines])
    proportion = sides[:, 0] / sides[:, 1]
    ratio = proportion[:, None] / proportion
    comparable = np.maximum(ratio, ratio.T) < LIKE_PROPORTIONS
    as_squares = np.where(comparable, _cosines([squared(drawing) for drawing in outlines]), 0.0)
    return np.maximum(_cosines(outlines), as_squares)


def _cosines(outlines: list[Outlines]) -> NDArray[np.float64]:
    """Returns the cosines (n, n) between the images of n outlines."""
    chunks = (batch(outlines[start : start + 100]) for start in range(0, len(outlines), 100))
    pixels = np.concatenate([fill(chunk).reshape(chunk.count, -1) for chunk in chunks])
    # Whole numbers below 2**53 are exact in whatever order the product is summed.
    products = pixels.astype(np.float64) @ pixels.T.astype(np.float64)
    norms = np.sqrt(np.diag(products))
    cosines: NDArray[np.float64] = products / (norms[:, None] * norms)
    return cosines


@cache
def faces() -> tuple[Face, ...]:
    """Returns the faces that matplotlib ships, without importing it."""
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        raise BenchError("glyphs draws with matplotlib's fonts; run 'pip install matplotlib'")
    folder = Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    return tuple(_read_face(folder / f"DejaVu{face}.ttf") for face in FACES)


def _read_face(path: Path) -> Face:
    if not path.exists():
        cure = "pip install --force-reinstall matplotlib"
        raise BenchError(f"glyphs needs matplotlib's font {path}, which is missing; run '{cure}'")
    font = TTFont(path)
    return Face(font.getBestCmap(), font["glyf"])


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Glyphs]

"""Likeness: edges of letters may differ, data and places may not."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, PngImagePlugin

from bench.figures.likeness import alike
from bench.figures.look import DRAWN, canvas, png


def picture(text: str = "protonet", x: float = 0.5, drawn: str = "d", height: float = 1.0) -> bytes:
    def draw() -> Figure:
        made = canvas(height)
        made.text(x, 0.5, text, size=20)
        return made

    return png(draw, drawn)


def shaken(content: bytes) -> bytes:
    """The same picture with a little noise, as other letters' edges make it."""
    one = Image.open(io.BytesIO(content))
    pixels = np.asarray(one.convert("RGB")).astype(int)
    noise = np.random.default_rng(0).integers(-20, 21, pixels.shape)
    known = PngImagePlugin.PngInfo()
    known.add_text(DRAWN, one.info[DRAWN])
    made = io.BytesIO()
    Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8)).save(made, "PNG", pnginfo=known)
    return made.getvalue()


def test_the_same_picture_drawn_by_others_is_alike() -> None:
    assert alike(picture(), picture())
    assert alike(shaken(picture()), picture())


def test_a_picture_of_other_data_is_not_even_if_it_looks_the_same() -> None:
    assert not alike(picture(drawn="other"), picture())


def test_a_picture_that_looks_otherwise_is_not() -> None:
    assert not alike(picture("matching"), picture())
    assert not alike(picture(x=0.3), picture())
    assert not alike(picture(height=1.5), picture())


def test_what_is_no_picture_is_not() -> None:
    assert not alike(b"no picture", picture())
    assert not alike(picture()[:200], picture())

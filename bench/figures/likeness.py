"""Likeness: whether a kept picture shows what a new one does, if another machine drew it."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.figures.look import DRAWN

_BLOCK = 8
"""Dots of a side; letters of another version differ within a block, not between blocks."""
_FAR, _FEW = 32.0, 0.004
"""Levels of grey that a block may differ by, and the share of blocks that may by more."""


def alike(kept: bytes, made: bytes) -> bool:
    """Tells whether two PNGs are of the same data, and look the same but for their letters' edges.

    What is no picture is like none.
    """
    if kept == made:
        return True
    try:
        one, other = (Image.open(io.BytesIO(content)) for content in (kept, made))
        if one.size != other.size or one.info.get(DRAWN) != other.info.get(DRAWN):
            return False
        far = np.abs(_blocks(one) - _blocks(other)).max(2) > _FAR
    except OSError:
        return False
    return bool(far.mean() <= _FEW)


def _blocks(picture: Image.Image) -> NDArray[np.float64]:
    return np.asarray(picture.convert("RGB").reduce(_BLOCK), dtype=np.float64)

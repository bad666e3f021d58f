"""Sketches: pictures of 16 x 16, of a whole image and of windows of it, to find copies by.

A window is the image with a little cut off. If one image was cropped out of another, its whole is
like a window of the other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 16
_CENTRED = (0.03, 0.06)
_CORNER = 0.04
_ENOUGH = 256
"""Pixels along a side that a sketch is made from at most."""

WINDOWS: tuple[tuple[float, float, float, float], ...] = (
    (0.0, 0.0, 1.0, 1.0),
    *((cut, cut, 1 - cut, 1 - cut) for cut in _CENTRED),
    *(
        (left, top, left + 1 - _CORNER, top + 1 - _CORNER)
        for left in (0.0, _CORNER)
        for top in (0.0, _CORNER)
    ),
)
"""Left, top, right, bottom, as shares of width and height."""


def sketches(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns a sketch of each window, (windows, 16, 16, 3), from pixels (3, h, w)."""
    picture = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    if max(picture.size) > _ENOUGH:
        width, height = (min(side, _ENOUGH) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BOX)
    width, height = picture.size
    scale = np.array([width, height, width, height])
    return np.stack(
        [
            np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX, tuple(scale * window)))
            for window in WINDOWS
        ]
    )

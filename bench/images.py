"""Images: from the bytes of a file to an input, or one line that says why not."""

from __future__ import annotations

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bench.errors import BenchError
from bench.imageform import ImageForm

MOST_PIXELS = 100_000_000
"""Larger pictures are refused: a file of a few kilobytes can claim to be of any size."""

BACKGROUND = (255, 255, 255)
"""What shows through where a picture is transparent."""


class DamagedImage(BenchError):
    """A file that is no readable image."""


def decode(content: bytes, name: str, form: ImageForm) -> NDArray[np.uint8]:
    """Returns the picture in `content` as an input (channels, height, width).

    It is turned as its EXIF data say; of an animation the first frame is taken; what is
    transparent becomes white; depths of more than 8 bits are scaled down.

    Raises:
        DamagedImage: it is empty, truncated, no image, or too large; `name` says which.
    """
    picture = open_image(content, name)
    try:
        fitted = _fit(_in_mode(ImageOps.exif_transpose(picture), form), form)
    except (OSError, ValueError, SyntaxError, MemoryError, EOFError) as error:
        raise DamagedImage(f"{name} cannot be decoded ({_reason(error)})") from error
    values = np.asarray(fitted, dtype=np.uint8)
    values = 255 - values if form.inverted else values
    return np.ascontiguousarray(values.transpose(2, 0, 1) if values.ndim == 3 else values[None])


def open_image(content: bytes, name: str) -> Image.Image:
    """Returns the picture, its header read and its pixels not yet.

    Raises:
        DamagedImage: it is empty, no image, or too large.
    """
    if not content:
        raise DamagedImage(f"{name} is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of size and of EXIF data
            picture = Image.open(io.BytesIO(content))
    except Image.DecompressionBombError as error:
        raise DamagedImage(f"{name} is too large to be decoded ({_reason(error)})") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise DamagedImage(f"{name} is no image that Pillow reads") from error
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise DamagedImage(
            f"{name} has {width}x{height} pixels; the most that are decoded is {MOST_PIXELS:,}"
        )
    return picture


def _in_mode(picture: Image.Image, form: ImageForm) -> Image.Image:
    """Returns the picture in the form's mode."""
    if picture.mode in ("I", "I;16", "I;16B", "I;16L", "F"):
        values = np.asarray(picture, dtype=np.float64)
        top = 65535 if picture.mode.startswith("I") else max(values.max(initial=1), 1)
        picture = Image.fromarray((values.clip(0, top) / top * 255).round().astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, (*BACKGROUND, 255))
        picture = Image.alpha_composite(ground, picture)
    return picture.convert(form.mode)


def _fit(picture: Image.Image, form: ImageForm) -> Image.Image:
    size, how = (form.width, form.height), Image.Resampling[form.resampling.upper()]
    if picture.size == size:
        return picture
    if form.fit == "crop":
        return ImageOps.fit(picture, size, how)
    if form.fit == "pad":
        return ImageOps.pad(picture, size, how)
    return picture.resize(size, how)


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__

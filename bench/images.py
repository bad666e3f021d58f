"""Images: from the bytes of a file to an input, or one line that says why not."""

from __future__ import annotations

import io
import re
import threading
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from bench.errors import BenchError
from bench.imageform import ImageForm
from bench.sniffing import kind_of

DECODER = 1
"""Raise it when the same file and form come to give other pixels: caches are then made anew."""

MOST_PIXELS = 100_000_000
"""Larger pictures are refused: a file of a few kilobytes can claim to be of any size."""
_MOST = f"the {MOST_PIXELS:,} that are decoded at most"

BACKGROUND = (255, 255, 255)
"""What shows through where a picture is transparent."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What puts a picture upright, by its orientation in EXIF."""

_REFUSED = {"EPS": "a PostScript drawing, which is a program; export it as PNG"}
"""Formats that Pillow hands to other programs."""

_SILENT = ("ignore", None, Warning, re.compile(r"PIL\."), 0)
_silencing = threading.Lock()


class DamagedImage(BenchError):
    """A file that is no readable image."""


class TooLarge(DamagedImage):
    """An image of more pixels than are decoded."""


def decode(content: bytes, name: str, form: ImageForm) -> NDArray[np.uint8]:
    """Returns the picture in `content` as an input (channels, height, width).

    It is turned as its EXIF data say, if these can be read; of an animation the first frame is
    taken; what is transparent becomes white; 16 bits are scaled down to 8, and numbers beyond that
    or with fractions by their largest. Several threads may decode at a time.

    Raises:
        DamagedImage: it is empty, truncated or no image; `name` says which.
        TooLarge: it has too many pixels.
    """
    picture = open_image(content, name)
    try:
        picture.load()
        fitted = _fit(_in_mode(_upright(picture), form), form)
    except Exception as error:  # whatever Pillow's many readers make of damaged bytes
        raise DamagedImage(f"{name} cannot be decoded ({_reason(error)})") from error
    values = np.asarray(fitted, dtype=np.uint8)
    values = 255 - values if form.inverted else values
    return np.ascontiguousarray(values.transpose(2, 0, 1) if values.ndim == 3 else values[None])


def open_image(content: bytes, name: str) -> Image.Image:
    """Returns the picture, its header read and its pixels not yet.

    Raises:
        DamagedImage: it is empty or no image.
        TooLarge: it has too many pixels.
    """
    if not content:
        raise DamagedImage(f"{name} is empty")
    _silence()
    try:
        picture = Image.open(io.BytesIO(content))
    except Image.DecompressionBombError as error:
        claimed = re.search(r"\d+", str(error))
        number = claimed[0] if claimed else "too many"
        raise TooLarge(f"{name} has {number} pixels, more than {_MOST}") from error
    except Exception as error:  # whatever Pillow's many readers make of damaged bytes
        raise DamagedImage(_unreadable(content, name, error)) from error
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise TooLarge(f"{name} has {width}x{height} pixels, more than {_MOST}")
    if picture.format in _REFUSED:
        raise DamagedImage(f"{name} is {_REFUSED[picture.format]}")
    return picture


def _unreadable(content: bytes, name: str, error: Exception) -> str:
    """Returns why a file was not opened, and what it is instead, if that is known."""
    kind = kind_of(content[:64])
    reason = "" if isinstance(error, UnidentifiedImageError) else f" ({_reason(error)})"
    if kind.endswith(" image"):
        return f"{name} begins as {kind}, but cannot be read{reason}; it is damaged"
    return f"{name} is no image that Pillow reads{f', but {kind}' if kind else ''}{reason}"


def _silence() -> None:
    """Keeps Pillow from warning of sizes and of EXIF data, from now on.

    `warnings.catch_warnings` would be undone in the wrong order where several threads decode.
    """
    if list(warnings.filters[:1]) != [_SILENT]:
        with _silencing:
            warnings.filterwarnings("ignore", module=_SILENT[3].pattern)


def _upright(picture: Image.Image) -> Image.Image:
    """Returns the picture turned as its EXIF data say; as it is if they are damaged."""
    try:
        turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # the picture itself is sound
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _in_mode(picture: Image.Image, form: ImageForm) -> Image.Image:
    """Returns the picture in the form's mode."""
    if picture.mode.startswith("I"):
        values = np.asarray(picture).clip(0, 65535).astype(np.int32)
        picture = Image.fromarray(((values + 128) // 257).astype(np.uint8))  # 65535 is 255 * 257
    elif picture.mode == "F":
        picture = _from_fractions(np.asarray(picture, dtype=np.float64))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, (*BACKGROUND, 255))
        picture = Image.alpha_composite(ground, picture)
    return picture.convert(form.mode)


def _from_fractions(values: NDArray[np.float64]) -> Image.Image:
    """Returns numbers (h, w) as grey: from 0, black, to the largest, white, which is at least 1."""
    known = np.nan_to_num(values, nan=0, posinf=0, neginf=0)
    top = max(float(known.max(initial=1)), 1.0)
    values = np.nan_to_num(values, nan=0, posinf=top, neginf=0)
    return Image.fromarray((values.clip(0, top) / top * 255).round().astype(np.uint8))


def _fit(picture: Image.Image, form: ImageForm) -> Image.Image:
    size, how = (form.width, form.height), Image.Resampling[form.resampling.upper()]
    if picture.size == size:
        return picture
    if form.fit == "crop":
        return ImageOps.fit(picture, size, how)
    if form.fit == "pad":
        return _padded(picture, size, how)
    return picture.resize(size, how)


def _padded(picture: Image.Image, size: tuple[int, int], how: Image.Resampling) -> Image.Image:
    """Returns the picture in the middle of black, its longer side as long as there is room.

    ImageOps.pad does the same, but not for lines so thin that nothing of them would be left.
    """
    scale = min(size[0] / picture.width, size[1] / picture.height)
    if min(picture.size) * scale >= 1:
        return ImageOps.pad(picture, size, how)
    inner = (
        max(1, min(size[0], round(picture.width * scale))),
        max(1, min(size[1], round(picture.height * scale))),
    )
    ground = Image.new(picture.mode, size)
    place = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    ground.paste(picture.resize(inner, how), place)
    return ground


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__

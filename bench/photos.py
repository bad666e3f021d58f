"""Photos: pictures that a user brings, as files, bytes or arrays, read several at a time."""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.decoding import Picture
from bench.errors import BenchError
from bench.imageform import ImageForm
from bench.images import decode
from bench.threads import usable_cores

Photo = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.uint8]
"""A picture: its path, the content of its file, a Pillow image, or an array (h, w) or (h, w, 3)."""


@dataclass(frozen=True)
class ReadPhoto:
    """A picture as an input (channels, height, width), or None and why it could not be read.

    `digest` is that of the input: equal digests, equal pictures.
    """

    name: str
    image: NDArray[np.uint8] | None
    digest: str = ""
    problem: str = ""


def as_picture(photo: Photo, name: str) -> Picture:
    """Returns what can be decoded; `name` is for those that have none.

    Raises:
        BenchError: it is no picture.
    """
    if isinstance(photo, str | os.PathLike):
        return Picture(os.fspath(photo), partial(_content, Path(photo)))
    if isinstance(photo, bytes):
        return Picture(name, partial(bytes, photo))
    if isinstance(photo, np.ndarray):
        if photo.dtype != np.uint8 or photo.ndim not in (2, 3) or photo.shape[2:] not in ((), (3,)):
            raise BenchError(
                f"{name} is an array of {photo.dtype} {photo.shape}; a picture is uint8 "
                "(height, width) or (height, width, 3)"
            )
        photo = Image.fromarray(photo)
    if not isinstance(photo, Image.Image):
        raise BenchError(
            f"{name} is {type(photo).__name__}, not a path, bytes, Pillow image or array"
        )
    return Picture(name, partial(_as_png, photo))


def read_photos(pictures: Sequence[Picture], form: ImageForm) -> list[ReadPhoto]:
    """Returns the pictures decoded, in order; those that are damaged with the reason."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        return list(pool.map(partial(_read, form=form), pictures))


def passed_over(names: Sequence[str]) -> tuple[str, ...]:
    """Returns the remark on files that are no images: `passed over, as no images: 2 .txt`."""
    counts = Counter(PurePosixPath(name).suffix.lower() for name in names)
    kinds = ", ".join(f"{count} {ending}" for ending, count in counts.most_common())
    return (f"passed over, as no images: {kinds}",) if names else ()


def some(names: Sequence[str], most: int = 3) -> str:
    """Returns the first few of many names for a message."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _read(picture: Picture, form: ImageForm) -> ReadPhoto:
    try:
        image = decode(picture.read(), picture.name, form)
    except BenchError as error:
        return ReadPhoto(picture.name, None, problem=str(error))
    return ReadPhoto(picture.name, image, hashlib.sha256(image.tobytes()).hexdigest())


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error})") from error


def _as_png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    mode = image.mode if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else "RGB"
    image.convert(mode).save(file, "PNG", compress_level=0)
    return file.getvalue()


Report = Callable[[int, int], None]
"""Called with the number of pictures done and the number there are."""

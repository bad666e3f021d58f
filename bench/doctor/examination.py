"""The examination: every image read and decoded once, several at a time."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.doctor.layout import Placed
from bench.doctor.sketch import sketches
from bench.errors import BenchError
from bench.imageform import ImageForm
from bench.images import TooLarge, decode, open_image
from bench.sniffing import kind_of
from bench.threads import usable_cores

AHEAD = 64
"""Files that are read, or waiting for it, beyond the one that is asked for."""

Ailment = Literal["", "unreadable", "empty", "no-image", "too-large", "damaged"]
_ORIENTATION = 0x0112
_TURNED = range(2, 9)
_SIDEWAYS = range(5, 9)


@dataclass(frozen=True)
class Look:
    """What a file's image is like: its own width, height, mode and format, and how it was turned.

    `content` is a hash of the file, `pixels` one of the decoded image in colour, both turned
    upright; `sketch` (windows, 16, 16, 3). `is_grey` tells whether all channels are equal.
    """

    width: int
    height: int
    mode: str
    format: str
    frames: int
    is_turned: bool
    is_grey: bool
    content: bytes
    pixels: bytes
    sketch: NDArray[np.uint8]


@dataclass(frozen=True)
class Examined:
    """A file, where it stands, and its look; none, but an ailment, if it cannot be decoded."""

    placed: Placed
    look: Look | None
    ailment: Ailment = ""
    reason: str = ""

    @property
    def name(self) -> str:
        """The file's path as one can print it."""
        return self.placed.name


@dataclass(frozen=True)
class Sound:
    """An image that can be decoded: where it stands, and its look."""

    placed: Placed
    look: Look

    @property
    def name(self) -> str:
        """The file's path as one can print it."""
        return self.placed.name


def examined(files: Sequence[Placed], progress: Callable[[int, int], None]) -> Iterator[Examined]:
    """Yields each file with its look, in order; reads several at a time."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        waiting: deque[Future[Examined]] = deque()
        try:
            done = 0
            for one in files:
                waiting.append(pool.submit(examine, one))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
                    done += 1
                    progress(done, len(files))
            while waiting:
                yield waiting.popleft().result()
                done += 1
                progress(done, len(files))
        finally:
            pool.shutdown(cancel_futures=True)


def examine(one: Placed) -> Examined:
    """Reads and decodes one file; nothing that is wrong with it is raised."""
    try:
        content = one.file.read()
    except (OSError, BenchError) as error:
        return Examined(one, None, "unreadable", _reason(error))
    if not content:
        return Examined(one, None, "empty", "has no bytes")
    try:
        picture = open_image(content, one.name)
    except BenchError as error:
        return _not_opened(one, content, error)
    try:
        return Examined(one, _look(picture, content, one.name))
    except BenchError as error:
        return Examined(one, None, "damaged", _reason(error.__cause__ or error))
    except Exception as error:  # Pillow's plugins raise whatever comes to their minds
        return Examined(one, None, "damaged", _reason(error))


def _not_opened(one: Placed, content: bytes, error: BenchError) -> Examined:
    if isinstance(error, TooLarge):
        return Examined(one, None, "too-large", _reason(error).removeprefix(f"{one.name} "))
    kind = kind_of(content[:64])
    if kind.endswith(" image"):
        return Examined(one, None, "damaged", f"{kind} with a broken beginning")
    return Examined(one, None, "no-image", kind or "of no known kind")


def _look(picture: Image.Image, content: bytes, name: str) -> Look:
    orientation = _orientation(picture)
    width, height = picture.size
    if orientation in _SIDEWAYS:
        width, height = height, width
    frames = _frames(picture)
    pixels = decode(content, name, ImageForm(height, width))
    digest = hashlib.blake2b(f"{width}x{height}".encode(), digest_size=16)
    digest.update(pixels.data)
    return Look(
        width,
        height,
        picture.mode,
        picture.format or "",
        frames,
        orientation in _TURNED,
        bool((pixels[0] == pixels[1]).all() and (pixels[1] == pixels[2]).all()),
        hashlib.blake2b(content, digest_size=16).digest(),
        digest.digest(),
        sketches(pixels),
    )


def _orientation(picture: Image.Image) -> int:
    """Returns how the image is to be turned, by its EXIF data; 1 if it is upright."""
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken EXIF data say nothing, and Pillow raises this and that for them
        return 1


def _frames(picture: Image.Image) -> int:
    try:
        return int(getattr(picture, "n_frames", 1)) if picture.format != "MPO" else 1
    except Exception:  # a broken later frame is no matter: the first one is taken
        return 1


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__

"""Images: every mode, size and turn becomes the pixels it shows; what is damaged gets one line."""

from __future__ import annotations

import io
import re
import struct
import tracemalloc
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin

from bench.imageform import ImageForm
from bench.images import DamagedImage, decode

Pixels = NDArray[np.uint8]
ORANGE = (200, 100, 50)
ORANGE_LUMA = 124  # (299 * 200 + 587 * 100 + 114 * 50) / 1000 = 124.2


def saved(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def noise(height: int, width: int, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + crc(kind + content)


def crc(content: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(content))


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is of this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def with_chunk(kind: bytes, content: bytes) -> bytes:
    """A sound PNG with one more chunk after its header."""
    png = saved(noise(4, 4))
    return png[:33] + chunk(kind, content) + png[33:]


def one_colour(mode: str, colour: Any) -> Image.Image:
    return Image.new(mode, (2, 2), colour)


def palette(transparent: bool) -> bytes:
    picture = one_colour("P", 1)
    picture.putpalette([0, 0, 0, *ORANGE])
    return saved(picture, transparency=1) if transparent else saved(picture)


MODES: dict[str, tuple[bytes, tuple[int, int, int]]] = {
    "1": (saved(one_colour("1", 1)), (255, 255, 255)),
    "L": (saved(one_colour("L", 77)), (77, 77, 77)),
    "L, transparent": (saved(one_colour("L", 77), transparency=77), (255, 255, 255)),
    "LA": (saved(one_colour("LA", (100, 51))), (224, 224, 224)),  # 51/255 = 1/5: 20 + 204
    "P": (palette(False), ORANGE),
    "P, transparent": (palette(True), (255, 255, 255)),
    "RGB": (saved(one_colour("RGB", ORANGE)), ORANGE),
    "RGB, transparent": (saved(one_colour("RGB", ORANGE), transparency=ORANGE), (255, 255, 255)),
    "RGBA": (saved(one_colour("RGBA", (200, 100, 50, 51))), (244, 224, 214)),
    "RGBA, unseen": (saved(one_colour("RGBA", (*ORANGE, 0))), (255, 255, 255)),
    "I;16": (saved(one_colour("I;16", 257 * 77)), (77, 77, 77)),
    "I;16, rounded": (saved(one_colour("I;16", 257 * 77 + 129)), (78, 78, 78)),
    "I;16, the largest": (saved(one_colour("I;16", 65535)), (255, 255, 255)),
    "I": (saved(one_colour("I", 257 * 77), "TIFF"), (77, 77, 77)),
    "I, negative": (saved(one_colour("I", -5), "TIFF"), (0, 0, 0)),
    "F": (saved(one_colour("F", 0.4), "TIFF"), (102, 102, 102)),
    "F, not a number": (saved(one_colour("F", float("nan")), "TIFF"), (0, 0, 0)),
    "CMYK": (saved(one_colour("CMYK", (55, 155, 205, 0)), "TIFF"), ORANGE),
    "YCbCr": (saved(one_colour("YCbCr", (77, 128, 128)), "TIFF"), (77, 77, 77)),
}


@pytest.mark.parametrize("name", MODES)
def test_every_mode_becomes_the_colour_that_it_shows(name: str) -> None:
    content, colour = MODES[name]
    values = decode(content, "a", ImageForm(2, 2))
    assert values.dtype == np.uint8
    np.testing.assert_array_equal(values, np.full((2, 2, 3), colour).transpose(2, 0, 1))


def test_numbers_with_fractions_are_scaled_by_the_largest_infinity_is_white() -> None:
    numbers = np.array([[0.0, 50.0, 100.0, np.inf, -np.inf]], dtype=np.float32)
    values = decode(saved(Image.fromarray(numbers), "TIFF"), "a", ImageForm(1, 5, "L"))
    assert values.tolist() == [[[0, 128, 255, 255, 0]]]  # 127.5 is rounded to even


def test_grey_is_the_luma_of_a_colour() -> None:
    values = decode(saved(one_colour("RGB", ORANGE)), "a", ImageForm(2, 2, "L"))
    assert values.tolist() == [[[ORANGE_LUMA] * 2] * 2]


def test_inverted_values_are_turned_round_after_transparency_became_white() -> None:
    form = ImageForm(2, 2, "L", inverted=True)
    assert decode(saved(one_colour("L", 77)), "a", form).tolist() == [[[178] * 2] * 2]
    assert not decode(MODES["RGBA, unseen"][0], "a", form).any()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    frames = [one_colour("RGB", colour) for colour in [(255, 0, 0), (0, 255, 0), (0, 0, 255)]]
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    values = decode(content, "a", ImageForm(2, 2))
    assert values[:, 0, 0].tolist() == [255, 0, 0]


ROW_AND_COLUMN_ZERO = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}
"""Where the first row and column of the file belong in the picture, as Exif 2.3 defines it."""


def as_stored(upright: Pixels, orientation: int) -> Pixels:
    """The rows of a file that shows `upright` to who follows its orientation."""
    height, width = upright.shape[:2]
    row_side, column_side = ROW_AND_COLUMN_ZERO[orientation]
    turned = row_side in ("left", "right")
    stored = np.zeros((width, height, 3) if turned else (height, width, 3), dtype=np.uint8)
    for row in range(stored.shape[0]):
        for column in range(stored.shape[1]):
            place = {"top": 0, "left": 0}
            for side, number in ((row_side, row), (column_side, column)):
                if side in ("top", "bottom"):
                    place["top"] = number if side == "top" else height - 1 - number
                else:
                    place["left"] = number if side == "left" else width - 1 - number
            stored[row, column] = upright[place["top"], place["left"]]
    return stored


@pytest.mark.parametrize("orientation", ROW_AND_COLUMN_ZERO)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_a_picture_is_turned_as_exif_says(orientation: int, kind: str) -> None:
    upright = np.asarray(noise(3, 5))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    content = saved(Image.fromarray(as_stored(upright, orientation)), kind, exif=exif, **options)
    values = decode(content, "a", ImageForm(3, 5))
    np.testing.assert_array_equal(values, upright.transpose(2, 0, 1))


HEADER = b"Exif\0\0"
EXIF = {
    "noise": b"\xff\x00\x13noise",
    "a header alone": b"MM\0*",
    "an offset beyond the end": b"II*\0\xff\xff\xff\x7f",
    "more entries than there are": b"MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03\0\0\0\x01\0\x06",
    "an orientation that is none": b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63"
    + bytes(6),
    "an orientation in words": b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x04six\0\0\0\0\0",
}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("name", EXIF)
def test_damaged_exif_data_do_not_spoil_a_good_picture(name: str, kind: str) -> None:
    picture, form = noise(4, 6), ImageForm(4, 6)
    sound = saved(picture, kind, quality=90) if kind != "PNG" else saved(picture)
    damaged = saved(picture, kind, exif=HEADER + EXIF[name], quality=90)
    assert len(damaged) > len(sound)
    np.testing.assert_array_equal(decode(damaged, "a", form), decode(sound, "a", form))


def test_nobody_is_warned() -> None:
    """Python with -W error makes an exception of a warning, and that a damaged image."""
    content = saved(noise(4, 6), "JPEG", exif=HEADER + EXIF["more entries than there are"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decode(content, "a", ImageForm(4, 6))
        with pytest.raises(DamagedImage, match="10000x10001 pixels"):
            decode(claiming(10_000, 10_001), "a", ImageForm(4, 6))


def test_threads_that_decode_together_are_not_warned_and_leave_filters_as_they_found_them() -> None:
    exif = HEADER + EXIF["more entries than there are"]
    contents = [saved(noise(8, 8, seed), "JPEG", exif=exif) for seed in range(40)]
    form = ImageForm(4, 4)
    alone = [decode(content, "a", form) for content in contents]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decode(contents[0], "a", form)
        before = list(warnings.filters)
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda c: decode(c, "a", form), contents * 5))
        assert warnings.filters == before
    np.testing.assert_array_equal(together, alone * 5)


JPEG, PNG = saved(noise(40, 40), "JPEG"), saved(noise(40, 40))
REFUSED = {
    "zero bytes": (b"", "a.png is empty"),
    "a truncated JPEG": (JPEG[: len(JPEG) // 2], "a.png cannot be decoded .*truncated"),
    "a JPEG without its end": (JPEG[:-10], "a.png cannot be decoded .*truncated"),
    "a JPEG's header": (JPEG[:50], "a.png begins as a JPEG image, but cannot be read"),
    "a truncated PNG": (PNG[: len(PNG) // 2], "a.png cannot be decoded .*truncated"),
    "a PNG with a flipped bit": (
        PNG[:200] + bytes([PNG[200] ^ 4]) + PNG[201:],
        "a.png cannot be decoded",
    ),
    "a text": (b"these are no pixels\n" * 20, "a.png is no image that Pillow reads"),
    "zeros": (bytes(5000), "a.png is no image that Pillow reads"),
    "a web page": (
        b"\n<!DOCTYPE html><html>",
        "a.png is no image that Pillow reads, but a web page",
    ),
    "an SVG": (b'<svg width="9"></svg>', "a.png is no image that Pillow reads, but an SVG drawing"),
    "a HEIC photo": (b"\0\0\0\x18ftypheic" + bytes(20), "Pillow reads, but a HEIC photo"),
    "a bomb": (
        claiming(60_000, 60_000),
        "pixels, more than the 100,000,000 that are decoded",
    ),
    "a bomb of one line": (
        claiming(2**31 - 1, 1),
        "pixels, more than the 100,000,000 that are decoded",
    ),
    "a little too large": (
        claiming(10_000, 10_001),
        "a.png has 10000x10001 pixels, more than .* 100,000,000",
    ),
    "a large text": (with_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1 << 27))), "too large"),
    "a large long text": (
        with_chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(1 << 27))),
        "begins as a PNG image, but cannot be read .*too large",
    ),
    "a PostScript drawing": (saved(noise(4, 4), "EPS"), "a.png is a PostScript drawing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_damaged_is_refused_in_one_line_and_little_memory(name: str) -> None:
    content, complaint = REFUSED[name]
    tracemalloc.start()
    try:
        with pytest.raises(DamagedImage, match=complaint) as caught:
            decode(content, "a.png", ImageForm(8, 8))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert re.search(r"0x[0-9a-f]{6}", str(caught.value)) is None  # no address of an object
    assert peak < 20_000_000


def test_truncated_pictures_are_not_completed_with_grey() -> None:
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert PngImagePlugin.MAX_TEXT_CHUNK <= 1 << 20


KINDS = ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "ICO", "PPM", "TGA", "PCX", "JPEG2000"]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_bytes_are_changed_it_is_a_picture_or_a_refusal(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.images.MOST_PIXELS", 1_000_000)  # some come to claim to be large
    rng = np.random.default_rng(0)
    sound = saved(noise(6, 6).resize((24, 24)), kind)
    form, refused = ImageForm(8, 8), 0
    assert decode(sound, "a", form).shape == form.shape
    for _ in range(150):
        content = bytearray(sound)
        for place in rng.integers(0, min(len(content), 400), size=3):
            content[place] = rng.integers(0, 256)
        cut = int(rng.integers(1, len(content) + 1)) if rng.random() < 0.3 else len(content)
        try:
            assert decode(bytes(content[:cut]), "a", form).shape == form.shape
        except DamagedImage:
            refused += 1
    assert refused > 10

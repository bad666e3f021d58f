"""Near-duplicates: copies that were made are found, other images are not."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance

from bench.doctor.likeness import alike
from bench.doctor.sketch import SIDE, WINDOWS, sketches

Photo = Callable[..., Image.Image]


def sketch(picture: Image.Image) -> NDArray[np.uint8]:
    return sketches(np.asarray(picture.convert("RGB")).transpose(2, 0, 1))


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


def cropped(picture: Image.Image, share: float) -> Image.Image:
    cut = round(share * picture.width)
    return picture.crop((cut, cut, picture.width - cut, picture.height - cut))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "re-encoded": lambda p: jpeg(p, 70),
    "smaller": lambda p: p.resize((round(0.8 * p.width), round(0.8 * p.height))),
    "brighter": lambda p: ImageEnhance.Brightness(p).enhance(1.1),
    "cropped": lambda p: cropped(p, 0.03),
    "grey": lambda p: p.convert("L"),
    "all at once": lambda p: jpeg(ImageEnhance.Brightness(cropped(p, 0.03)).enhance(1.1), 70),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_copy_is_found_and_nothing_else(
    photo: Photo, change: Callable[[Image.Image], Image.Image]
) -> None:
    originals = [photo(seed) for seed in range(20)]
    pairs = alike(np.stack([sketch(p) for p in (*originals, *map(change, originals))]))
    assert [(i, j) for i, j in zip(pairs.first, pairs.second, strict=True)] == [
        (place, place + 20) for place in range(20)
    ]


def test_likeness_is_the_correlation_around_the_mean_of_each_channel(photo: Photo) -> None:
    one, other = sketch(photo(0)), sketch(photo(0).rotate(4))
    pairs = alike(np.stack([one, other]), least=0.0)
    expected = max(
        float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
        for whole, windows in ((one[0], other), (other[0], one))
        for window in windows
        for a, b in [(whole - whole.mean((0, 1)), window - window.mean((0, 1)))]
    )
    assert pairs.likeness.tolist() == pytest.approx([expected], abs=2e-3)


def test_more_images_than_a_block_holds_are_all_compared(photo: Photo) -> None:
    rng = np.random.default_rng(0)
    many = rng.integers(0, 256, (2500, len(WINDOWS), SIDE, SIDE, 3), dtype=np.uint8)
    for first, second in ((0, 2499), (1023, 1024), (1500, 1501)):
        many[second] = many[first]
    pairs = alike(many)
    assert set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == {
        (0, 2499),
        (1023, 1024),
        (1500, 1501),
    }


def test_images_of_one_tone_are_like_nothing() -> None:
    flat = [sketch(Image.new("RGB", (40, 40), colour)) for colour in ("red", "red", "white")]
    assert len(alike(np.stack(flat)).first) == 0


def test_simple_drawings_must_be_more_alike_than_photos() -> None:
    def drawing(shift: int) -> Image.Image:
        picture = Image.new("RGB", (96, 96), "white")
        ImageDraw.Draw(picture).ellipse((20 + shift, 20, 76 + shift, 76), outline="black", width=9)
        return picture

    pairs = alike(np.stack([sketch(drawing(shift)) for shift in (0, 0, 4)]))
    assert list(zip(pairs.first, pairs.second, strict=True)) == [(0, 1)]


def test_where_all_images_are_much_alike_the_nearest_are_compared(photo: Photo) -> None:
    base = sketch(photo(0)).astype(np.int16)
    rng = np.random.default_rng(0)
    noise = rng.integers(-90, 91, (300, *base.shape))
    many = (base + noise).clip(0, 255).astype(np.uint8)
    many[299] = many[5]
    pairs = alike(many, least=0.98)
    assert (5, 299) in set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


@pytest.mark.parametrize("count", [0, 1])
def test_one_image_alone_has_no_pair(count: int) -> None:
    assert len(alike(np.zeros((count, len(WINDOWS), SIDE, SIDE, 3), np.uint8)).first) == 0


def test_on_real_photos_copies_are_found_and_classes_are_told_apart(shared_data: Path) -> None:
    with zipfile.ZipFile(shared_data / "images" / "grocery-store-84.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")][::12]
        photos = [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names]
    copies = [jpeg(cropped(one, 0.03), 70) for one in photos]
    classes = np.array([name.split("/")[-2] for name in names] * 2)
    pairs = alike(np.stack([sketch(one) for one in (*photos, *copies)]))
    recall = (pairs.second - pairs.first == len(photos)).sum() / len(photos)
    across = (classes[pairs.first] != classes[pairs.second]).sum()
    assert len(photos) > 400
    assert recall >= 0.99
    assert across <= 2

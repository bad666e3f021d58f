"""Fitting: pictures of other proportions become the pixels reckoned by hand."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from bench.imageform import Fit, ImageForm
from bench.images import decode

ORANGE = (200, 100, 50)


def saved(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def noise(height: int, width: int, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


GRADIENT = np.arange(4, dtype=np.uint8)[None, :].repeat(2, 0) * 40  # two rows of 0 40 80 120


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        # Bilinear halving is a triangle, here with weights 3 3 1: (0 * 3 + 40 * 3 + 80 * 1) / 7
        ("stretch", [[29, 91], [29, 91]]),
        ("crop", [[40, 80], [40, 80]]),  # the middle square
        ("pad", [[29, 91], [0, 0]]),  # half a row of black above is none, below it is one
    ],
)
def test_each_fit_gives_the_pixels_reckoned_by_hand(fit: Fit, expected: list[list[int]]) -> None:
    content = saved(Image.fromarray(GRADIENT))
    assert decode(content, "a", ImageForm(2, 2, "L", fit)).tolist() == [expected]


def test_nearest_takes_the_middle_of_each_stretch() -> None:
    content = saved(Image.fromarray(np.arange(9, dtype=np.uint8)[None]))
    assert decode(content, "a", ImageForm(1, 3, "L", "stretch", "nearest")).tolist() == [
        [[1, 4, 7]]
    ]


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_a_picture_of_the_right_size_stays_as_it_is(fit: Fit) -> None:
    picture = noise(7, 5)
    values = decode(saved(picture), "a", ImageForm(7, 5, fit=fit, resampling="lanczos"))
    np.testing.assert_array_equal(values, np.asarray(picture).transpose(2, 0, 1))


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("sides", [(1, 1), (1, 10_000), (10_000, 1), (3, 700), (1, 2)])
@pytest.mark.parametrize("target", [(8, 8), (1, 1), (5, 84)])
def test_extreme_proportions_keep_their_colour(
    sides: tuple[int, int], target: tuple[int, int], fit: Fit
) -> None:
    content = saved(Image.new("RGB", sides, ORANGE))
    values = decode(content, "a", ImageForm(*target, fit=fit)).transpose(1, 2, 0)
    assert values.shape == (*target, 3)
    seen = (values == ORANGE).all(2)
    assert seen.any()
    assert (seen | (values == 0).all(2)).all()
    assert fit == "pad" or seen.all()


def test_a_thin_line_is_padded_to_one_pixel_in_the_middle() -> None:
    content = saved(Image.new("L", (1, 1000), 255))
    values = decode(content, "a", ImageForm(5, 5, "L", "pad"))
    assert values.tolist() == [[[0, 0, 255, 0, 0]] * 5]


def test_padding_of_usual_proportions_is_that_of_pillow() -> None:
    for height, width in [(5, 9), (9, 5), (40, 31), (84, 85), (1, 8), (8, 1)]:
        picture = noise(height, width)
        values = decode(saved(picture), "a", ImageForm(8, 8, fit="pad"))
        expected = ImageOps.pad(picture, (8, 8), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(values, np.asarray(expected).transpose(2, 0, 1))

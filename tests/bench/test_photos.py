"""Pictures in any shape, decoded to the same input; and those that are none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.endings import may_be_image
from bench.errors import BenchError
from bench.imageform import ImageForm
from bench.photos import as_picture, read_photos
from tests.bench.picture_files import picture, write_picture

FORM = ImageForm(20, 20)


def test_a_path_its_bytes_an_array_and_an_image_are_the_same_picture(tmp_path: Path) -> None:
    path, array = write_picture(tmp_path / "a.png", "red", 3), picture("red", 3)
    given = (path, str(path), path.read_bytes(), array, Image.fromarray(array))
    photos = read_photos([as_picture(one, "it") for one in given], FORM)
    for photo in photos:
        assert photo.image is not None
        np.testing.assert_array_equal(photo.image, array.transpose(2, 0, 1))
    digest = hashlib.sha256(array.transpose(2, 0, 1).tobytes()).hexdigest()
    assert {photo.digest for photo in photos} == {digest}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "HSV", "I;16", "F"])
def test_images_of_every_mode_are_taken(mode: str) -> None:
    image = Image.new(mode, (9, 5))
    (photo,) = read_photos([as_picture(image, "it")], FORM)
    assert photo.image is not None and photo.image.shape == (3, 20, 20), photo.problem


def test_what_is_no_picture_is_refused_with_its_name() -> None:
    for given in (np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8), 7):
        with pytest.raises(BenchError, match=r"^query\[2\] is "):
            as_picture(given, "query[2]")  # type: ignore[arg-type]


def test_a_damaged_picture_says_why_and_the_others_are_read(tmp_path: Path) -> None:
    whole = write_picture(tmp_path / "whole.png", "red", 0)
    (tmp_path / "text.jpg").write_text("not a picture")
    names = [whole, tmp_path / "text.jpg", tmp_path / "absent.jpg"]
    first, second, third = read_photos([as_picture(one, "") for one in names], FORM)
    assert first.image is not None and not first.problem
    assert second.image is None and "no image that Pillow reads" in second.problem
    assert third.image is None and "cannot be read" in third.problem


def test_endings_tell_what_is_passed_over_and_everything_else_must_be_read() -> None:
    assert not may_be_image("a/notes.TXT") and not may_be_image("b.mp4")
    assert may_be_image("a.JPG") and may_be_image("a.heic") and may_be_image("a")

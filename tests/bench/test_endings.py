"""Endings: what is passed over, and what must hold an image."""

from __future__ import annotations

import pytest
from PIL import Image

from bench.endings import NO_IMAGES, TABLES, may_be_image


@pytest.mark.parametrize("name", ["a/notes.TXT", "labels.csv", "clip.mov", "x.tar.gz", "a.jsonl"])
def test_what_is_no_image_by_its_ending_is_passed_over(name: str) -> None:
    assert not may_be_image(name)


@pytest.mark.parametrize("name", ["a/1.JPG", "photo.heic", "scan", "a.b.png", ".txt/1.webp"])
def test_all_else_must_hold_an_image(name: str) -> None:
    assert may_be_image(name)


def test_tables_are_no_images() -> None:
    assert set(TABLES) <= NO_IMAGES


def test_usual_endings_of_pictures_that_pillow_reads_are_not_passed_over() -> None:
    Image.init()
    read = {ending for ending, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    usual = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".avif"}
    assert not (read & usual) & NO_IMAGES
    assert {".jpg", ".png", ".tiff"} <= read

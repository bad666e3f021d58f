"""Reshaping: test images of another dataset, made into the shape that a network was trained on.

It happens only when it is asked for, is recorded, and gives data with a fingerprint of its own, so
that figures on reshaped images never share a table with figures on the images themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.cache import Progress, open_derived
from bench.dataset import ClassExamples
from bench.errors import BenchError
from bench.firewall import open_test
from bench.pool import ClassPool
from bench.sources import Source, shape_in_words, split_of

VERSION = 1
"""Raise it when the same images come to be made into others."""


def reshaped(tested: Source, shape: tuple[int, ...], progress: Progress) -> Source:
    """Returns a dataset with the images of its test split made into `shape`, if they have another.

    Heights and widths are stretched with Pillow's bilinear filter, which averages where it
    shrinks; grey becomes three equal channels, colour becomes luma. The result is cached.

    Raises:
        BenchError: its inputs, or those asked for, are no images.
    """
    split = split_of(tested.data, "test")
    if split.shape == shape:
        return tested
    if split.dtype != "uint8" or not (_is_image(split.shape) and _is_image(shape)):
        raise BenchError(
            f"--resize-test is for images; the inputs of {tested.dataset.name} are {split.dtype} "
            f"{shape_in_words(split.shape)}, and {shape_in_words(shape)} is asked for"
        )
    change = f"{shape_in_words(split.shape)} to {shape_in_words(shape)}"

    def classes() -> Iterator[ClassExamples]:
        with open_test("reshaping", 0):
            pool = tested.data.pool("test")
        return _classes(pool, shape)

    data = open_derived(
        f"{tested.dataset.name}-reshaped",
        VERSION,
        {"fingerprint": tested.data.fingerprint, "change": change},
        classes,
        len(split.classes),
        progress,
    )
    return replace(tested, data=replace(data, source=tested.data.source), reshaped=f"from {change}")


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] in (1, 3)


def _classes(pool: ClassPool, shape: tuple[int, ...]) -> Iterator[ClassExamples]:
    for number, name in enumerate(pool.classes):
        rows = slice(pool.offsets[number], pool.offsets[number + 1])
        groups = None if pool.input_groups is None else pool.input_groups[rows].tolist()
        images = np.stack([_reshape(image, shape) for image in pool.inputs[rows]])
        told = tuple(map(str, groups)) if groups is not None else None
        yield ClassExamples(name, "test", images, groups=told)


def _reshape(image: NDArray[np.generic], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Returns one image (c, h, w) in another shape."""
    channels, height, width = shape
    values = image.astype(np.uint8, copy=False)
    picture = Image.fromarray(values[0] if len(values) == 1 else values.transpose(1, 2, 0))
    picture = picture.convert("L" if channels == 1 else "RGB")
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    made = np.asarray(picture, dtype=np.uint8)
    return made[None] if channels == 1 else np.ascontiguousarray(made.transpose(2, 0, 1))

"""Decoding: the pictures of whole classes, several at a time, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.dataset import ClassExamples, Split
from bench.errors import BenchError
from bench.imageform import ImageForm
from bench.images import decode
from bench.threads import usable_cores

AHEAD = 512
"""Pictures that are decoded, or waiting for it, beyond the one that is asked for."""


@dataclass(frozen=True)
class Picture:
    """A picture that is yet to be decoded: its name for messages, its bytes, and its group.

    The group is what several pictures have in common, such as the object, video or user; pictures
    of one group never stand on both sides of an episode.
    """

    name: str
    read: Callable[[], bytes]
    group: str = ""


@dataclass(frozen=True)
class PictureClass:
    """A class whose pictures are yet to be decoded."""

    name: str
    split: Split
    pictures: tuple[Picture, ...]


def decoded(
    classes: Iterable[PictureClass], form: ImageForm, damaged: dict[str, str] | None = None
) -> Iterator[ClassExamples]:
    """Yields the classes with their pictures decoded, (k, channels, height, width), in order.

    Several pictures are decoded at a time, on all cores; those of the next classes while the first
    is in use. With `damaged`, pictures that cannot be read are left out, and entered there with
    the reason; a class that has no other is left out as well.

    Raises:
        BenchError: a picture cannot be read, it is named; not with `damaged`.
    """
    with ThreadPoolExecutor(usable_cores()) as pool:
        waiting: deque[tuple[PictureClass, list[Future[NDArray[np.uint8]]]]] = deque()
        try:
            for one in classes:
                futures = [pool.submit(_decode, picture, form) for picture in one.pictures]
                waiting.append((one, futures))
                while sum(len(f) for _, f in waiting) > AHEAD + len(waiting[0][1]):
                    yield from _examples(*waiting.popleft(), damaged)
            while waiting:
                yield from _examples(*waiting.popleft(), damaged)
        finally:
            pool.shutdown(cancel_futures=True)


def _decode(picture: Picture, form: ImageForm) -> NDArray[np.uint8]:
    return decode(picture.read(), picture.name, form)


def _examples(
    one: PictureClass, futures: list[Future[NDArray[np.uint8]]], damaged: dict[str, str] | None
) -> Iterator[ClassExamples]:
    images, groups = [], []
    for picture, future in zip(one.pictures, futures, strict=True):
        try:
            images.append(future.result())
            groups.append(picture.group)
        except BenchError as error:
            if damaged is None:
                raise
            damaged[picture.name] = str(error)
    if images:
        grouped = tuple(groups) if any(groups) else None
        yield ClassExamples(one.name, one.split, np.stack(images), groups=grouped)

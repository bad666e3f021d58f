"""Decoding: the pictures of whole classes, several at a time, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

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
    is in use, but no more than AHEAD of them. With `damaged`, pictures that cannot be read are left
    out, and entered there with the reason; a class that has no other is left out as well.

    Raises:
        BenchError: a picture cannot be read, it is named; not with `damaged`.
    """
    with ThreadPoolExecutor(usable_cores()) as pool:
        started = (
            _Started(one, picture, pool.submit(_decode, picture, form))
            for one in classes
            for picture in one.pictures
        )
        try:
            yield from _gathered(started, form, damaged)
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Started:
    """A picture of a class that is being decoded, or waits for it."""

    of: PictureClass
    picture: Picture
    image: Future[NDArray[np.uint8]]


def _decode(picture: Picture, form: ImageForm) -> NDArray[np.uint8]:
    return decode(picture.read(), picture.name, form)


def _gathered(
    started: Iterator[_Started], form: ImageForm, damaged: dict[str, str] | None
) -> Iterator[ClassExamples]:
    """Yields the classes of pictures that come class by class; asks for AHEAD before it waits."""
    waiting = deque(islice(started, AHEAD))
    while waiting:
        of = waiting[0].of
        images = np.empty((len(of.pictures), *form.shape), dtype=np.uint8)
        groups: list[str] = []
        for _ in of.pictures:
            one = waiting.popleft()
            waiting.extend(islice(started, 1))
            try:
                images[len(groups)] = one.image.result()
                groups.append(one.picture.group)
            except BenchError as error:
                if damaged is None:
                    raise
                damaged[one.picture.name] = str(error)
        if groups:
            told = tuple(groups) if any(groups) else None
            yield ClassExamples(of.name, of.split, images[: len(groups)], groups=told)

"""Decoding: the pictures of whole classes, several at a time, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from bench.dataset import ClassExamples, Split
from bench.errors import BenchError
from bench.imageform import ImageForm
from bench.images import decode
from bench.threads import usable_cores

AHEAD = 512
"""Pictures that are decoded, or waiting for it, beyond the one that is asked for."""
TOGETHER = 16
"""Pictures that a thread decodes at a time: handing over small ones costs as much as decoding."""


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
    is in use, but not many more than AHEAD. With `damaged`, pictures that cannot be read are left
    out, and entered there with the reason; a class that has no other is left out as well.

    Raises:
        BenchError: a picture cannot be read, it is named; not with `damaged`.
    """
    wanted = ((one, picture) for one in classes for picture in one.pictures)
    with ThreadPoolExecutor(usable_cores()) as pool:
        parts = iter(lambda: tuple(islice(wanted, TOGETHER)), ())
        started = (pool.submit(_tried, part, form) for part in parts)
        try:
            yield from _gathered(_in_order(started), form, damaged)
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Tried:
    """A picture of a class, and its image, or why there is none."""

    of: PictureClass
    picture: Picture
    image: NDArray[np.uint8] | BenchError


def _tried(part: Iterable[tuple[PictureClass, Picture]], form: ImageForm) -> list[_Tried]:
    return [_Tried(of, picture, _decode(picture, form)) for of, picture in part]


def _decode(picture: Picture, form: ImageForm) -> NDArray[np.uint8] | BenchError:
    try:
        return decode(picture.read(), picture.name, form)
    except BenchError as error:
        return error


def _in_order(started: Iterator[Future[list[_Tried]]]) -> Iterator[_Tried]:
    """Yields what comes of futures; AHEAD pictures are asked for before it waits for the first."""
    waiting = deque(islice(started, max(1, AHEAD // TOGETHER)))
    while waiting:
        done = waiting.popleft().result()
        waiting.extend(islice(started, 1))
        yield from done


def _gathered(
    tried: Iterator[_Tried], form: ImageForm, damaged: dict[str, str] | None
) -> Iterator[ClassExamples]:
    """Yields the classes of pictures that come class by class."""
    for first in tried:
        of, groups = first.of, list[str]()
        images = np.empty((len(of.pictures), *form.shape), dtype=np.uint8)
        for one in chain([first], islice(tried, len(of.pictures) - 1)):
            if isinstance(one.image, np.ndarray):
                images[len(groups)] = one.image
                groups.append(one.picture.group)
            elif damaged is None:
                raise one.image
            else:
                damaged[one.picture.name] = str(one.image)
        if groups:
            told = tuple(groups) if any(groups) else None
            yield ClassExamples(of.name, of.split, images[: len(groups)], groups=told)

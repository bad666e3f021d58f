"""The stream of a sealed list: its episodes, on data that holds their images.

An image is found by its class's name and the hash of its content, so that a sealed list can be
used with any copy of the data, in whichever order its classes and images lie.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from bench.content import content_hashes
from bench.episodelist import EpisodeList
from bench.errors import BenchError, nearest
from bench.gathering import rows_for
from bench.pool import ClassPool, EpisodeStream
from bench.sampling import EpisodeIndices
from bench.sealed import SealedEpisodes

NAMED = 3
"""How many of the images that are missing an error names."""


class SealedStream(EpisodeStream):
    """The episodes of a sealed list, on a pool that holds their images.

    Raises:
        BenchError: the pool lacks some of the images.
    """

    def __init__(self, sealed: SealedEpisodes, pool: ClassPool, device: torch.device) -> None:
        self.pool, self.protocol, self.device = pool, sealed.protocol, device
        self.name = sealed.stream
        self._sealed, self._found = sealed, found_in(sealed, pool)
        self._rows = rows_for(pool.inputs, device)

    @property
    def length(self) -> int:
        """How many episodes there are."""
        return len(self._sealed)

    def indices(self, start: int, count: int) -> EpisodeIndices:
        """Returns episodes start .. start+count-1, which must have one shape, as rows of the pool.

        Raises:
            BenchError: they have not, or there are not so many.
        """
        self._check_count(start + count)
        batches = list(self._found.slice_of(start, start + count).batches(count))
        if len(batches) > 1:
            raise BenchError(
                "these episodes have shapes of their own; take them from EpisodeStream.batches"
            )
        return batches[0]

    def batches(self, count: int, size: int) -> Iterator[EpisodeIndices]:
        """Yields the first `count` episodes as rows of the pool, up to `size` at a time.

        Raises:
            BenchError: there are not so many.
        """
        self._check_count(count)
        yield from self._found.slice_of(0, count).batches(size)

    def digest(self, count: int) -> str:
        """Returns the sha256 that names the first `count` episodes, wherever they were found."""
        self._check_count(count)
        return self._sealed.digest(count)

    def _check_count(self, count: int) -> None:
        if count > len(self._sealed):
            raise BenchError(f"{count} episodes were asked for, but there are {len(self._sealed)}")


def found_in(sealed: SealedEpisodes, pool: ClassPool) -> EpisodeList:
    """Returns a sealed list's episodes as rows and classes of a pool.

    In the very data that they were drawn from images lie where they lay, elsewhere they are looked
    for; each must have the content that it had.

    Raises:
        BenchError: a class or an image is missing.
    """
    same = (sealed.stream.fingerprint, sealed.stream.split) == (pool.fingerprint, pool.split)
    if same:
        rows = sealed.images
        if not _names_what_it_says(sealed, pool):
            raise BenchError(
                f"these episodes have other classes or rows than {sealed.data.name}, whose "
                "fingerprint they bear; make them again"
            )
        changed = content_hashes(pool.inputs, pool.targets, rows) != sealed.hashes
        if changed.any():
            raise BenchError(
                f"{int(changed.any(1).sum())} of the {len(rows)} images of these episodes are no "
                f"longer what they were, though {sealed.data.name} says it is the same; delete its "
                "folder in the cache and run again to rebuild it"
            )
        return sealed.episodes
    numbers = _class_numbers(sealed, pool)
    rows = _rows(sealed, pool, dict(zip(sealed.class_numbers.tolist(), numbers, strict=True)))
    episodes = sealed.episodes

    def moved(
        values: NDArray[np.int64], old: NDArray[np.int64], new: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        return new[np.searchsorted(old, values)]

    return replace(
        episodes,
        classes=moved(episodes.classes, sealed.class_numbers, np.array(numbers)),
        support=moved(episodes.support, sealed.images, rows),
        query=moved(episodes.query, sealed.images, rows),
    )


def _names_what_it_says(sealed: SealedEpisodes, pool: ClassPool) -> bool:
    """Tells whether a list's classes and rows are those of the pool that it was drawn from."""
    numbers, rows = sealed.class_numbers, sealed.images
    if numbers[-1] >= len(pool.classes) or rows[-1] >= len(pool.inputs):
        return False
    owners = np.searchsorted(pool.offsets, rows, side="right") - 1
    names = tuple(pool.classes[number] for number in numbers)
    return names == sealed.class_names and bool((owners == sealed.image_classes).all())


def _class_numbers(sealed: SealedEpisodes, pool: ClassPool) -> list[int]:
    """Returns the numbers that a list's classes have in a pool."""
    known = {name: number for number, name in enumerate(pool.classes)}
    missing = [name for name in sealed.class_names if name not in known]
    if missing:
        raise BenchError(
            f"{len(missing)} of the {len(sealed.class_names)} classes of these episodes are not in "
            f"the {pool.split} split, such as '{missing[0]}'; {nearest(missing[0], known)}"
        )
    return [known[name] for name in sealed.class_names]


def _rows(sealed: SealedEpisodes, pool: ClassPool, numbers: Mapping[int, int]) -> NDArray[np.int64]:
    """Returns the row that each image of a list has in a pool, (i,).

    Of several equal images in a class each is taken once. `numbers` are the pool's, by the list's.
    """
    rows = np.empty(len(sealed.images), dtype=np.int64)
    missing = []
    for old, number in numbers.items():
        places = np.flatnonzero(sealed.image_classes == old)
        own = np.arange(pool.offsets[number], pool.offsets[number + 1])
        free: dict[bytes, list[int]] = defaultdict(list)
        for row, content in zip(
            own[::-1].tolist(), content_hashes(pool.inputs, pool.targets, own)[::-1], strict=True
        ):
            free[content.tobytes()].append(row)
        for place in places.tolist():
            same = free[sealed.hashes[place].tobytes()]
            if same:
                rows[place] = same.pop()
            else:
                missing.append(
                    f"{sealed.hashes[place].tobytes().hex()} of '{pool.classes[number]}'"
                )
    if missing:
        raise BenchError(_lack(sealed, pool, missing))
    return rows


def _lack(sealed: SealedEpisodes, pool: ClassPool, missing: list[str]) -> str:
    """Returns what to say of images that are not there."""
    data = sealed.data
    settings = " ".join(f"data.{key}={value}" for key, value in sorted(data.parameters.items()))
    named = ", ".join(missing[:NAMED]) + (", ..." if len(missing) > NAMED else "")
    return (
        f"{len(missing)} of the {len(sealed.images)} images of these episodes are not in the "
        f"{pool.split} split: {named}; they were drawn from {data.name}"
        f"{' with ' if settings else ''}{settings}"
    )

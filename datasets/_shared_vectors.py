"""Vectors that two splits share, number by number: they stay in one only."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from bench import ClassExamples, Split

ORDER: tuple[Split, ...] = ("test", "val", "train")
"""Who keeps a vector that several have: so the test is the same whatever the training has."""

NAMED = 20
"""Classes that are named in a remark; more are counted."""


class SharedVectors:
    """Leaves vectors out of train that val or test have, and out of val that test has."""

    def __init__(self) -> None:
        self._counts: Counter[Split] = Counter()
        self._emptied: list[str] = []

    def left_out(self, classes: Iterable[ClassExamples]) -> Iterator[ClassExamples]:
        """Yields the classes, in the order given, without what another split keeps."""
        listed = list(classes)
        digests = [[_digest(row) for row in one.inputs] for one in listed]
        keeper: dict[bytes, Split] = {}
        for split in reversed(ORDER):
            for one, own in zip(listed, digests, strict=True):
                if one.split == split:
                    keeper.update(dict.fromkeys(own, split))
        for one, own in zip(listed, digests, strict=True):
            kept = [place for place, digest in enumerate(own) if keeper[digest] == one.split]
            self._counts[one.split] += len(own) - len(kept)
            if len(kept) == len(own):
                yield one
            elif kept:
                groups = tuple(one.groups[place] for place in kept) if one.groups else None
                yield replace(one, inputs=one.inputs[kept], groups=groups)
            else:
                self._emptied.append(one.name)

    def remarks(self) -> tuple[str, ...]:
        """Returns a line for each split that lost some."""
        lines = [
            f"left out of {split}, as another split has the same vectors: {self._counts[split]}"
            for split in ORDER
            if self._counts[split]
        ]
        if self._emptied:
            named = ", ".join(self._emptied[:NAMED])
            lines.append(f"classes of which nothing is left: {len(self._emptied)} ({named})")
        return tuple(lines)


def _digest(row: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(row).data, digest_size=16).digest()

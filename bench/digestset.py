"""Digest sets: which of millions of inputs was seen before, in 20 bytes for each.

A dictionary of Python takes about 150. Digests come into a dictionary that is kept small, and from
there into sorted arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

DIGEST_BYTES = 16
RECENT = 1 << 15
"""Digests in the dictionary, at most, before they are sorted into an array."""
LONGEST = 1 << 20
"""Digests in an array, at most: joining two of them takes as much memory again."""

_KEY = f"S{DIGEST_BYTES}"


class DigestSet:
    """Digests of DIGEST_BYTES bytes, each with the number of who had it first.

    Owners are numbered in the order in which they come.
    """

    def __init__(self) -> None:
        self._recent: dict[bytes, int] = {}
        self._runs: list[tuple[NDArray[np.bytes_], NDArray[np.int32]]] = []

    def add(self, digests: Sequence[bytes], owner: int) -> None:
        """Adds digests that `owner` has; those that are known keep their first owner."""
        rest = iter(digests)
        while part := list(islice(rest, RECENT)):
            for digest in part:
                self._recent.setdefault(digest, owner)
            if len(self._recent) >= RECENT:
                self._settle()

    def find(self, digests: Sequence[bytes]) -> tuple[int, int] | None:
        """Returns the place of the first digest that is known, and its owner; None if none is."""
        found = next(
            ((place, self._recent[d]) for place, d in enumerate(digests) if d in self._recent), None
        )
        if not self._runs or not digests:
            return found
        wanted = np.frombuffer(b"".join(digests), dtype=_KEY)
        for keys, owners in self._runs:
            places = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
            hits = np.flatnonzero(keys[places] == wanted)
            if len(hits):
                first = int(hits[0]), int(owners[places[hits[0]]])
                found = first if found is None else min(found, first)
        return found

    def _settle(self) -> None:
        """Moves the dictionary into a sorted array, and joins arrays that are alike in length."""
        keys = np.frombuffer(b"".join(self._recent), dtype=_KEY)
        owners = np.fromiter(self._recent.values(), dtype=np.int32, count=len(keys))
        self._recent = {}
        self._runs.append(_sorted(keys, owners))
        while len(self._runs) > 1:
            (older, _), (newer, _) = self._runs[-2:]
            if len(older) > 2 * len(newer) or len(older) + len(newer) > LONGEST:
                return
            parts = self._runs[-2:]
            del self._runs[-2:]
            joined = (np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))
            self._runs.append(_sorted(*joined))


def _sorted(
    keys: NDArray[np.bytes_], owners: NDArray[np.int32]
) -> tuple[NDArray[np.bytes_], NDArray[np.int32]]:
    order = np.argsort(keys, kind="stable")  # of equal ones the first owner stays first
    return keys[order], owners[order]

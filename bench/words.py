"""Random words, and what integer arithmetic makes of them: numbers below a bound, orders, choices.

The words are the raw output of a counter-based generator (Philox 4x64, Salmon et al. 2011), whose
stream NumPy promises never to change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_WORD = 1 << 64
_AT_A_TIME = 256
_EPISODE = 1 << 64
"""Counter values that an episode's draws may use: more than anybody will."""

T = TypeVar("T")


class Words:
    """The 32-bit random words of episodes start .. start+count-1, handed out in order."""

    def __init__(self, key: NDArray[np.uint64], start: int, count: int, each: int) -> None:
        blocks = -(-each // 8)  # one counter value yields four 64-bit words
        raw = np.random.Philox(key=key, counter=start * blocks).random_raw(count * blocks * 4)
        self._words = raw.astype("<u8", copy=False).view("<u4").reshape(count, blocks * 8)
        self._used = 0

    def take(self, *shape: int) -> NDArray[np.uint64]:
        """Returns the next words of every episode, (count * shape[:-1], shape[-1])."""
        first, self._used = self._used, self._used + math.prod(shape)
        return self._words[:, first : self._used].astype(np.uint64).reshape(-1, shape[-1])


def below(words: NDArray[np.uint64], bound: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns integers in [0, bound), their bias under bound / 2**32 (multiply and shift)."""
    return ((words * bound.astype(np.uint64)) >> _HALF).astype(np.int64)


def shuffle(values: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns each row of `values` (r, k) in the order of the same row of `order` (r, k)."""
    first = np.arange(0, values.size, values.shape[-1])[:, None]
    return np.take(values.ravel(), order + first)


def permutation(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Returns a random permutation of each row (r, k); equal keys are told apart by position."""
    position = np.arange(keys.shape[-1], dtype=np.uint64)
    keyed = (keys << _HALF) | position
    keyed.sort(axis=-1)
    return (keyed & _LOW).astype(np.int64)


def choose(
    draws: NDArray[np.uint64], keys: NDArray[np.uint64], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Returns k distinct integers below `sizes` (r,) in each row, (r, k), from words (r, k).

    Floyd's algorithm (Bentley & Floyd 1987) gives a uniform set, but not in uniform order: the
    last item is rarely among the first picks. As the first picks become the support, the picks
    are shuffled.
    """
    count = draws.shape[-1]
    tops = sizes - count + np.arange(count)[:, None]
    picks = below(np.ascontiguousarray(draws.T), tops + 1)  # (k, r): a step is a row
    for step in range(1, count):
        taken = (picks[:step] == picks[step]).any(axis=0)
        np.copyto(picks[step], tops[step], where=taken)
    return shuffle(np.ascontiguousarray(picks.T), permutation(keys))


def mix(rows: NDArray[np.int64], words: Words) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns rows and labels of (b, n, k) as (b, n*k), in one random order per episode."""
    ways, each = rows.shape[1:]
    order = permutation(words.take(ways * each))
    return shuffle(rows.reshape(len(rows), -1), order), order // each


class Draws:
    """The random draws of one episode, one after another, in Python's whole numbers.

    They cost more than `Words`, but how many are drawn may hang on what was drawn before. Episode
    `number` of a stream has words of its own, whatever other episodes draw.
    """

    def __init__(self, key: NDArray[np.uint64], number: int) -> None:
        self._philox = np.random.Philox(key=key, counter=number * _EPISODE)
        self._ready: list[int] = []

    def word(self) -> int:
        """Returns the next word, 0 .. 2**64 - 1."""
        if not self._ready:
            self._ready = self._philox.random_raw(_AT_A_TIME).tolist()[::-1]
        return self._ready.pop()

    def below(self, bound: int) -> int:
        """Returns an integer in [0, bound), each exactly as likely (Lemire 2019)."""
        product = self.word() * bound
        while product % _WORD < _WORD % bound:  # of the words that would count once too often
            product = self.word() * bound
        return product // _WORD

    def unit(self) -> float:
        """Returns a multiple of 2**-53 in [0, 1): exact on every platform."""
        return (self.word() >> 11) * 2.0**-53

    def choose(self, count: int, size: int) -> list[int]:
        """Returns `count` distinct integers below `size`, each set and each order as likely."""
        moved: dict[int, int] = {}  # what a shuffled range has elsewhere than at its place
        chosen = []
        for place in range(count):
            other = place + self.below(size - place)
            chosen.append(moved.get(other, other))
            moved[other] = moved.get(place, place)
        return chosen

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Returns the items in a random order, each as likely."""
        return [items[place] for place in self.choose(len(items), len(items))]

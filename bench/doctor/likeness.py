"""Likeness: which images are nearly the same, found by their sketches.

Two steps. Wholes are compared in grey, each with each, in matrix products; pairs that correlate
are compared again in colour, the whole of each with the windows of the other. What counts is the
best correlation, each channel around its own mean, so brightness and contrast make no difference.

On the 5,421 photos of the Grocery Store dataset, 84 x 84: of 14.5 million pairs of different
classes 4 reach 0.90, and all 4 show one hand in one place seconds apart. Among the 19,280 drawings
of Omniglot's background set 17 pairs reach 0.97: strokes that differ by a pixel. Mirrored copies
are not found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.90
"""Correlation from which two photos are nearly the same."""
DRAWN_ALIKE = 0.97
"""The same for drawings, which are mostly background and so more alike by nature."""
CANDIDATE, DRAWN_CANDIDATE = 0.6, 0.85
"""Correlation of grey wholes, below which a pair is not looked at again."""
NEAREST = 32
"""Candidates that an image has at most, on average: the nearest, where all are much alike."""
_DRAWING = 0.5
_PLAIN = 0.1
"""Shares of a sketch that are not background: below, it is a drawing; or shows too little."""
_TONE = 8
_BLOCK = 1024
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

_Indices = NDArray[np.int64]
_Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """Pairs of images that are nearly the same: first < second (p,), and their likeness (p,)."""

    first: _Indices
    second: _Indices
    likeness: _Floats


def alike(sketches: NDArray[np.uint8], least: float = ALIKE) -> Pairs:
    """Returns the pairs of nearly the same images, by sketches (k, windows, 16, 16, 3).

    `least` is the likeness that photos must have.
    """
    if len(sketches) < 2:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    busy = _busy(sketches[:, 0])
    first, second = _candidates(sketches[:, 0], busy)
    vectors = _Vectors.of(sketches)
    likeness = np.empty(len(first), np.float32)
    for start in range(0, len(first), _BLOCK):
        part = slice(start, start + _BLOCK)
        likeness[part] = vectors.likeness(first[part], second[part])
    _compare_as_grey(sketches, first, second, likeness)
    drawn = busy < _DRAWING
    needed = np.where(drawn[first] | drawn[second], max(least, DRAWN_ALIKE), least)
    kept = likeness >= needed
    return Pairs(first[kept], second[kept], likeness[kept])


def _candidates(wholes: NDArray[np.uint8], busy: NDArray[np.float64]) -> tuple[_Indices, _Indices]:
    """Returns the pairs of wholes (k, 16, 16, 3) that correlate in grey, in blocks of rows."""
    grey = _unit((wholes @ _LUMA).reshape(len(wholes), -1))
    grey[busy < _PLAIN] = 0
    least = np.where(busy < _DRAWING, DRAWN_CANDIDATE, CANDIDATE).astype(np.float32)
    firsts, seconds = [], []
    for start in range(0, len(grey), _BLOCK):
        found = grey[start : start + _BLOCK] @ grey[start:].T
        near = np.triu(found >= least[start : start + _BLOCK, None], 1)
        most = NEAREST * len(found)
        if np.count_nonzero(near) > most:
            near &= found >= np.partition(found[near], -most)[-most]
        row, column = np.nonzero(near)
        firsts.append(row + start)
        seconds.append(column + start)
    return np.concatenate(firsts), np.concatenate(seconds)


@dataclass(frozen=True)
class _Vectors:
    """Sketches around the means of their channels: values int8 (k, windows, d), lengths."""

    values: NDArray[np.int8]
    lengths: _Floats

    @classmethod
    def of(cls, sketches: NDArray[np.uint8]) -> _Vectors:
        """Returns those of sketches (k, windows, 16, 16, 3), each scaled to fill its bytes."""
        values = np.empty((*sketches.shape[:2], sketches[0, 0].size), np.int8)
        for start in range(0, len(sketches), _BLOCK):
            part = sketches[start : start + _BLOCK].astype(np.float32)
            part -= part.mean((2, 3), keepdims=True)
            part *= 127 / np.maximum(np.abs(part).max((2, 3, 4), keepdims=True), 1)
            values[start : start + _BLOCK] = part.round().reshape(*part.shape[:2], -1)
        squares = np.einsum("kwd,kwd->kw", values, values, dtype=np.float32)
        return cls(values, np.sqrt(np.maximum(squares, 1)))

    def likeness(self, first: _Indices, second: _Indices) -> _Floats:
        """Returns the best correlation of a whole with a window of the other, of each pair."""
        a, b = (self.values[places].astype(np.float32) for places in (first, second))
        p, q = self.lengths[first], self.lengths[second]
        there = (b @ a[:, 0, :, None])[..., 0] / (p[:, :1] * q)
        back = (a @ b[:, 0, :, None])[..., 0] / (q[:, :1] * p)
        best: _Floats = np.maximum(there, back).max(1)
        return best


def _compare_as_grey(
    sketches: NDArray[np.uint8], first: _Indices, second: _Indices, likeness: _Floats
) -> None:
    """Puts in place the likeness of pairs of which one is grey and the other has colours."""
    is_grey = (np.ptp(sketches[:, 0], axis=-1) == 0).all((1, 2))
    mixed = np.flatnonzero(is_grey[first] != is_grey[second])
    for start in range(0, len(mixed), _BLOCK):
        places = mixed[start : start + _BLOCK]
        both = np.concatenate([sketches[first[places]], sketches[second[places]]])
        grey = (both @ _LUMA).round().astype(np.uint8)[..., None]
        numbers = np.arange(len(places))
        vectors = _Vectors.of(grey)
        likeness[places] = vectors.likeness(numbers, numbers + len(places))


def _unit(values: _Floats) -> _Floats:
    """Returns vectors (k, d) without their mean, of length 1, or 0 if they are constant."""
    centred = values - values.mean(-1, keepdims=True)
    unit: _Floats = centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-3)
    return unit


def _busy(wholes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns the share of each sketch (k, 16, 16, 3) that has another tone than most of it."""
    tones = (wholes @ _LUMA).reshape(len(wholes), -1)
    bins = (tones / _TONE).astype(np.int64)
    rows = np.arange(len(bins))[:, None] * 32
    counts = np.bincount((bins + rows).ravel(), minlength=32 * len(bins)).reshape(-1, 32)
    common = (counts.argmax(1)[:, None] + 0.5) * _TONE
    share: NDArray[np.float64] = (np.abs(tones - common) > _TONE).mean(1)
    return share

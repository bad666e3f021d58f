"""Bit packing: columns of whole numbers in as few bits as their range needs.

The same numbers give the same bytes on every platform, which compressors do not promise. It
imports no torch.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

MOST = 100_000_000
"""Numbers in a column, at most: a damaged file must not ask for more memory than there is."""


class Packed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`count` numbers: each is `least` plus `width` bits of `bits`, the lowest bit first."""

    count: int
    least: int
    width: int
    bits: bytes


def pack(values: NDArray[np.int64]) -> Packed:
    """Returns non-negative numbers (r,) packed."""
    if not len(values):
        return Packed(0, 0, 0, b"")
    least = int(values.min())
    rest = values - least
    width = int(rest.max()).bit_length()
    bits = np.zeros((len(rest), width), dtype=np.uint8)
    for place in range(width):
        bits[:, place] = (rest >> place) & 1
    return Packed(len(rest), least, width, np.packbits(bits, bitorder="little").tobytes())


def unpack(packed: Packed) -> NDArray[np.int64]:
    """Returns the numbers again, (r,); raises BenchError if they cannot be such."""
    count, width = packed.count, packed.width
    if not (0 <= count <= MOST and 0 <= width < 63 and 0 <= packed.least < 1 << 62):
        raise BenchError(f"a column says it has {count} numbers of {width} bits")
    if len(packed.bits) != -(-count * width // 8):
        raise BenchError(
            f"a column of {count} numbers of {width} bits has {len(packed.bits)} bytes"
        )
    raw = np.frombuffer(packed.bits, dtype=np.uint8)
    bits = np.unpackbits(raw, count=count * width, bitorder="little").reshape(count, width)
    values = np.full(count, packed.least, dtype=np.int64)
    for place in range(width):
        values += bits[:, place].astype(np.int64) << place
    return values


def pack_rising(values: NDArray[np.int64]) -> Packed:
    """Returns non-negative numbers (r,) that never fall, packed as the steps between them."""
    return pack(np.diff(values, prepend=0))


def unpack_rising(packed: Packed) -> NDArray[np.int64]:
    """Returns the numbers that `pack_rising` packed, (r,); raises BenchError as `unpack` does."""
    return np.cumsum(unpack(packed))

"""Bit packing: numbers come back, in as few bits as they need."""

from __future__ import annotations

import numpy as np
import pytest

from bench.bitpacking import Packed, pack, pack_rising, unpack, unpack_rising
from bench.errors import BenchError


@pytest.mark.parametrize("top", [0, 1, 2, 255, 256, 2**31, 2**61])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 100])
def test_numbers_come_back(top: int, count: int) -> None:
    values = np.random.default_rng(0).integers(0, top + 1, count)
    assert unpack(pack(values)).tolist() == values.tolist()


def test_numbers_lie_one_after_the_other_lowest_bit_first() -> None:
    # 10, 13, 11 are 10 + 0, 3, 1: bits 00, 11, 10 when the lowest comes first.
    packed = pack(np.array([10, 13, 11]))
    assert packed == Packed(3, 10, 2, bytes([0b011100]))


def test_equal_numbers_take_no_room() -> None:
    assert pack(np.full(1000, 7)) == Packed(1000, 7, 0, b"")


def test_rising_numbers_are_kept_as_steps() -> None:
    values = np.array([5, 6, 8, 9, 9])
    assert pack_rising(values) == pack(np.array([5, 1, 2, 1, 0]))
    assert unpack_rising(pack_rising(values)).tolist() == values.tolist()


@pytest.mark.parametrize(
    "packed",
    [
        Packed(3, 0, 2, b""),
        Packed(3, 0, 2, b"ab"),
        Packed(-1, 0, 0, b""),
        Packed(10**12, 0, 0, b""),
        Packed(1, 0, 63, bytes(8)),
        Packed(1, -1, 0, b""),
        Packed(1, 2**63, 0, b""),
    ],
)
def test_what_cannot_be_a_column_is_refused_before_memory_is_asked_for(packed: Packed) -> None:
    with pytest.raises(BenchError, match="column"):
        unpack(packed)

"""Content hashes: of what is in an input, and of nothing else."""

from __future__ import annotations

import hashlib

import numpy as np

from bench.content import content_hashes


def test_a_hash_is_blake2b_of_type_shape_and_bytes() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(1, 1, 2, 3)
    expected = hashlib.blake2b(b"uint8 (1, 2, 3)" + bytes(range(6)), digest_size=16).digest()
    assert content_hashes(image, None, np.array([0])).tobytes() == expected


def test_numbers_are_taken_in_little_endian_order_whatever_the_machines() -> None:
    values = np.array([[1.5, -2.0]], dtype="<f4")
    known = content_hashes(values, None, np.array([0]))
    assert known.tobytes() == content_hashes(values.astype(">f4"), None, np.array([0])).tobytes()


def test_shape_type_and_target_are_part_of_the_content() -> None:
    flat = np.zeros((2, 4), dtype=np.uint8)
    rows = np.array([0])
    targets = np.array([[1.0], [2.0]], dtype=np.float32)
    found = [
        content_hashes(flat, None, rows),
        content_hashes(flat.reshape(2, 2, 2), None, rows),
        content_hashes(np.zeros((2, 1), dtype=np.float32), None, rows),
        content_hashes(flat, targets, rows),
        content_hashes(flat, targets, rows + 1),
    ]
    assert len({one.tobytes() for one in found}) == 5


def test_rows_are_hashed_in_the_order_asked_for() -> None:
    images = np.arange(12, dtype=np.uint8).reshape(4, 3)
    both = content_hashes(images, None, np.array([3, 0]))
    assert both[0].tobytes() == content_hashes(images, None, np.array([3])).tobytes()
    assert both[1].tobytes() == content_hashes(images, None, np.array([0])).tobytes()
    assert content_hashes(images, None, np.array([], dtype=np.int64)).shape == (0, 16)

"""Content hashes: the name of an input that follows from what is in it, not from where it lies.

It imports no torch.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

HASH_BYTES = 16


def content_hashes(
    inputs: NDArray[np.uint8] | NDArray[np.float32],
    targets: NDArray[np.float32] | None,
    rows: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """Returns the hashes of inputs at `rows` (r,), (r, 16): blake2b of type, shape and values.

    Values are taken in little-endian order. In regression the target is part of the content.
    """
    kind = f"{inputs.dtype.name} {inputs.shape[1:]}"
    if targets is not None:
        kind += f" {targets.shape[1:]}"
    start = hashlib.blake2b(kind.encode(), digest_size=HASH_BYTES)
    found = bytearray()
    for row in rows.tolist():
        digest = start.copy()
        for part in (inputs, targets):
            if part is not None:
                value = part[row]
                digest.update(value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes())
        found += digest.digest()
    return np.frombuffer(bytes(found), dtype=np.uint8).reshape(-1, HASH_BYTES)

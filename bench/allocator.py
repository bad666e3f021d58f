"""The C library's allocator, told once not to hand large blocks back to the system.

By default glibc returns every block above 32 MiB to the kernel when it is freed, so each large
tensor operation pays for fresh pages; keeping them makes training steps faster on a CPU (the
benchmarks time a peer with and without). Set BENCH_MALLOC=0 to leave the allocator alone.

Each thread keeps an arena of its own: with one for all, workers wait for its lock.
"""

from __future__ import annotations

import ctypes
import os
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h


def is_to_be_told() -> bool:
    """Tells whether the allocator is glibc's, and nobody wants it left alone."""
    return os.environ.get("BENCH_MALLOC") != "0" and platform.libc_ver()[0] == "glibc"


def keep_large_blocks() -> bool:
    """Tells glibc to keep large freed blocks; returns whether it agreed."""
    if not is_to_be_told():
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = ((_MMAP_THRESHOLD, 1 << 30), (_TRIM_THRESHOLD, 2**31 - 1))
    agreed = [bool(mallopt(option, value)) for option, value in settings]
    return all(agreed)

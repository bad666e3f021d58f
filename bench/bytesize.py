"""Sizes of files as people read them."""

from __future__ import annotations

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def in_bytes(size: int) -> str:
    """Returns a number of bytes in powers of 1000, as disks count: `16.2 MB`."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{size:,} bytes" if not unit else f"{value:.3g} {UNITS[unit]}"

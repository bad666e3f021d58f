"""Downloads: files of a dataset that its publisher serves, fetched whole, checked, and unpacked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pooch

from bench.errors import BenchError


@dataclass(frozen=True)
class Download:
    """A file that a dataset is made of: its place below the data root, its mirrors, its hash.

    `digest` is `sha256:...` or `md5:...`, as published; `unpack` the folder below the data root
    that it is unpacked into, if it is an archive to be unpacked; `size` is in bytes, if known.
    """

    file: str
    urls: tuple[str, ...]
    digest: str
    unpack: str = ""
    size: int = 0


def obtain(root: Path, download: Download, allowed: bool) -> Path:
    """Returns the file, or the folder it was unpacked into, fetching it if need be.

    Raises:
        BenchError: it is not there, and may not or cannot be fetched.
    """
    target = root / download.file
    if target.exists():
        return target
    if not allowed:
        raise BenchError(f"{target} is not there, and downloading is switched off")
    for url in download.urls:
        try:
            pooch.retrieve(url, download.digest, fname=target.name, path=target.parent)
        except Exception as error:
            reason = " ".join(str(error).split())
        else:
            return target
    raise BenchError(f"{target} could not be fetched ({reason})")

"""What tests of downloads share: contents, their hashes, and what is left below a root."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from bench.downloads import Download

CONTENT = np.random.default_rng(0).bytes(1_000_000)
OTHER = np.random.default_rng(1).bytes(1_000_000)


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}"


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def of(*urls: str, content: bytes = CONTENT) -> Download:
    return Download("set/data.bin", urls, md5(content))


def files_below(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())

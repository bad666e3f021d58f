"""A small dataset that is served from a thread, and a cache of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import bench.transfer
from tests.bench.file_server import file_server
from tests.cli.data.parcel import Parcel, make_parcel


@pytest.fixture
def parcel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parcel]:
    monkeypatch.setattr(bench.transfer, "PAUSE", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_DATA_ROOT", raising=False)
    with file_server() as server:
        yield make_parcel(server, tmp_path)

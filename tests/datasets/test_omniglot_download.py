"""Omniglot: files that are absent, and their download."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from bench.errors import BenchError
from bench.registry import Registry
from tests.bench.file_server import FileServer, Served, file_server
from tests.datasets.omniglot_files import PARTS, Small, read


@pytest.fixture
def server(
    small: Small, tmp_path: Path, omniglot_module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FileServer]:
    """Serves the small archives, from where the dataset is told to fetch them."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    small.write_zips(tmp_path / "published")
    with file_server() as running:
        archives = {}
        for part in PARTS:
            content = (tmp_path / "published" / "omniglot-py" / f"{part}.zip").read_bytes()
            url = running.serve(f"/{part}.zip", Served(content))
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            archives[part] = dataclasses.replace(
                omniglot_module.ARCHIVES[part], urls=(url,), digest=f"md5:{md5}"
            )
        monkeypatch.setattr(omniglot_module, "ARCHIVES", archives)
        yield running


def assert_names_files_place_and_alternatives(message: str, root: Path) -> None:
    assert "images_background.zip" in message and "images_evaluation.zip" in message
    assert str(root / "omniglot-py") in message
    assert "--data-root" in message and "--data glyphs" in message


def test_absent_files_are_told_with_what_to_put_where(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(BenchError, match="downloading is switched off") as caught:
        read(registry, tmp_path)
    assert_names_files_place_and_alternatives(str(caught.value), tmp_path)


def test_a_download_that_fails_is_told_with_its_reason_and_what_to_do(
    tmp_path: Path, registry: Registry, server: FileServer
) -> None:
    server.files.clear()
    root = tmp_path / "a" / "typo"
    with pytest.raises(BenchError, match="the server answers 404 Not Found") as caught:
        read(registry, root, download=True)
    assert_names_files_place_and_alternatives(str(caught.value), root)
    assert not (tmp_path / "a").exists()


def test_a_download_that_fails_keeps_what_was_there(
    tmp_path: Path, registry: Registry, server: FileServer
) -> None:
    del server.files["/images_evaluation.zip"]
    root = tmp_path / "root"
    (root / "empty").mkdir(parents=True)
    (root / "omniglot-py").mkdir()
    with pytest.raises(BenchError, match=r"images_evaluation\.zip is not there and could not"):
        read(registry, root, download=True)
    assert sorted(p.name for p in root.rglob("*")) == [
        "empty",
        "images_background.zip",
        "omniglot-py",
    ]


def test_what_was_downloaded_is_read(
    tmp_path: Path, registry: Registry, server: FileServer
) -> None:
    assert len(read(registry, tmp_path / "root", download=True)) == 16
    assert sorted(visit.path for visit in server.visits) == [
        "/images_background.zip",
        "/images_evaluation.zip",
    ]


def test_what_is_there_is_not_downloaded(
    small: Small, tmp_path: Path, registry: Registry, server: FileServer
) -> None:
    small.write_folders(tmp_path / "root")
    assert len(read(registry, tmp_path / "root", download=True)) == 16
    assert server.visits == []


def test_the_official_archives_are_told(registry: Registry) -> None:
    """Their hashes are torchvision's, written down a second time."""
    assert {d.file: d.digest for d in registry.dataset("omniglot")().downloads()} == {
        "omniglot-py/images_background.zip": "md5:68d2efa1b9178cc56df9314c21c6e718",
        "omniglot-py/images_evaluation.zip": "md5:6b91aef0f799c5bb55b94e3f2daec811",
    }

"""Omniglot: files that are absent, and their download."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from bench.errors import BenchError
from bench.registry import Registry
from tests.datasets.omniglot_files import Small, read


def assert_names_files_place_and_alternatives(message: str, root: Path) -> None:
    assert "images_background.zip" in message and "images_evaluation.zip" in message
    assert str(root / "omniglot-py") in message
    assert "--data-root" in message and "--data glyphs" in message


def test_absent_files_are_told_with_what_to_put_where(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(BenchError, match="downloading is switched off") as caught:
        read(registry, tmp_path)
    assert_names_files_place_and_alternatives(str(caught.value), tmp_path)


class FakeTorchvision:
    """Stands for torchvision.datasets; its Omniglot does what it is told."""

    def __init__(self, fetch: Callable[[str, bool], None]) -> None:
        self.fetch = fetch

    def Omniglot(self, root: str, background: bool, download: bool) -> None:  # noqa: N802  # its name
        assert download
        self.fetch(root, background)


def test_a_download_that_fails_is_told_with_its_reason_and_what_to_do(
    tmp_path: Path, registry: Registry, omniglot_module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: str, background: bool) -> None:
        raise OSError("Name or service\nnot known")

    monkeypatch.setattr(omniglot_module, "import_extra", lambda name: FakeTorchvision(fail))
    with pytest.raises(
        BenchError, match=r"download failed \(Name or service not known\)"
    ) as caught:
        read(registry, tmp_path, download=True)
    assert_names_files_place_and_alternatives(str(caught.value), tmp_path)


def test_a_download_that_fails_leaves_no_folder_behind(
    tmp_path: Path, registry: Registry, omniglot_module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: str, background: bool) -> None:
        (Path(root) / "omniglot-py").mkdir(parents=True)  # as torchvision does
        raise OSError

    monkeypatch.setattr(omniglot_module, "import_extra", lambda name: FakeTorchvision(fail))
    with pytest.raises(BenchError, match="download failed"):
        read(registry, tmp_path / "a" / "typo", download=True)
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_fails_keeps_what_was_there(
    tmp_path: Path, registry: Registry, omniglot_module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: str, background: bool) -> None:
        (Path(root) / "omniglot-py" / "images_background.zip").write_bytes(b"half")
        raise OSError

    (tmp_path / "empty").mkdir()
    (tmp_path / "omniglot-py").mkdir()
    monkeypatch.setattr(omniglot_module, "import_extra", lambda name: FakeTorchvision(fail))
    with pytest.raises(BenchError, match="download failed"):
        read(registry, tmp_path, download=True)
    assert sorted(p.name for p in tmp_path.rglob("*")) == [
        "empty",
        "images_background.zip",
        "omniglot-py",
    ]


def test_what_was_downloaded_is_read(
    small: Small,
    tmp_path: Path,
    registry: Registry,
    omniglot_module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetched: list[bool] = []

    def fetch(root: str, background: bool) -> None:
        fetched.append(background)
        small.write_folders(Path(root))

    monkeypatch.setattr(omniglot_module, "import_extra", lambda name: FakeTorchvision(fetch))
    assert len(read(registry, tmp_path, download=True)) == 16
    assert sorted(fetched) == [False, True]


def test_what_is_there_is_not_downloaded(
    small: Small,
    tmp_path: Path,
    registry: Registry,
    omniglot_module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small.write_zips(tmp_path)
    monkeypatch.setattr(omniglot_module, "import_extra", pytest.fail)
    assert len(read(registry, tmp_path, download=True)) == 16

"""German traffic signs: photos of one and the same sign."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.registry import Registry
from tests.datasets.fake_archives import PHOTOS, made, prepare, read

(GTSRB,) = (fake for fake in PHOTOS if fake.name == "gtsrb")


def test_photos_of_one_track_are_one_group(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset, _ = prepare(GTSRB, registry, monkeypatch, tmp_path)
    found = read(dataset, tmp_path)
    assert found["14.Stop"].groups == ("14/00000", "14/00000", "14/00001", "14/00001")
    groups = {group for one in found.values() for group in one.groups or ()}
    assert len(groups) == 43 * 2


def test_tracks_may_be_mixed_as_in_meta_dataset(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    prepare(GTSRB, registry, monkeypatch, tmp_path)
    mixed = made(registry, "gtsrb", side=12, tracks="mixed")
    assert all(one.groups is None for one in read(mixed, tmp_path).values())


def test_a_sign_without_photos_is_refused(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset, _ = prepare(GTSRB, registry, monkeypatch, tmp_path)
    for path in tmp_path.rglob("00014/*.ppm"):
        path.unlink()
    with pytest.raises(BenchError, match="lists of gtsrb cannot be read"):
        read(dataset, tmp_path)

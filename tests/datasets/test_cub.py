"""CUB: the published splits, photos and bounding boxes pixel by pixel, damaged folders."""

from __future__ import annotations

import importlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.cache import open_dataset
from bench.dataset import ClassExamples, DataFiles
from bench.errors import BenchError
from bench.registry import Registry

SIZE = (20, 12)
BOX = (3, 2, 10, 8)


@pytest.fixture(autouse=True)
def two_photos_each(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(registry.dataset("cub").__module__)
    monkeypatch.setattr(module, "IMAGES", 400)


@pytest.fixture(scope="session")
def species(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, NDArray[np.uint8]]]:
    """A folder as the archive's, two photos of each of 200 species (PNG, named .jpg)."""
    root = tmp_path_factory.mktemp("cub")
    rng = np.random.default_rng(0)
    pixels: dict[str, NDArray[np.uint8]] = {}
    listed: list[str] = []
    boxes: list[str] = []
    for number in range(1, 201):
        name = f"{number:03d}.Bird_{number}"
        folder = root / "CUB_200_2011" / "images" / name
        folder.mkdir(parents=True)
        for photo in (1, 2):
            path = folder / f"Bird_{photo:04d}.jpg"
            values = rng.integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
            Image.fromarray(values).save(path, "PNG")
            pixels[f"{name}/{path.name}"] = values
            listed.append(f"{len(listed) + 1} {name}/{path.name}")
            boxes.append(f"{len(listed)} {' '.join(f'{side}.0' for side in BOX)}")
    (root / "CUB_200_2011" / "images.txt").write_text("\n".join(listed) + "\n")
    (root / "CUB_200_2011" / "bounding_boxes.txt").write_text("\n".join(boxes) + "\n")
    return root, pixels


def read(registry: Registry, root: Path, **chosen: Any) -> list[ClassExamples]:
    return list(registry.dataset("cub")(**chosen).classes(DataFiles(root, download=False)))


@pytest.mark.parametrize(
    ("chosen", "file", "counts"),
    [
        ("chen", "cub/{}.json", {"train": 100, "val": 50, "test": 50}),
        (
            "meta-dataset",
            "meta-dataset/cu_birds_splits.json",
            {"train": 140, "val": 30, "test": 30},
        ),
    ],
)
def test_the_splits_are_the_published_ones(
    chosen: str,
    file: str,
    counts: dict[str, int],
    registry: Registry,
    species: tuple[Path, Any],
    shared_data: Path,
) -> None:
    found = read(registry, species[0], split=chosen, side=4)
    for split, count in counts.items():
        names = json.loads((shared_data / "splits" / file.format(split)).read_text())
        if isinstance(names, dict):
            names = names["valid" if split == "val" else split]
        numbers = sorted(int(name.partition(".")[0]) for name in names)
        assert sorted(int(c.name[:3]) for c in found if c.split == split) == numbers
        assert len(numbers) == count
    assert len(found) == registry.dataset("cub")().class_count() == 200


def test_photos_are_resized_as_pillow_does(registry: Registry, species: tuple[Path, Any]) -> None:
    root, pixels = species
    found = {one.name: one.inputs for one in read(registry, root, side=10)}
    for name in ("001.Bird_1", "200.Bird_200"):
        for row, photo in enumerate(("Bird_0001.jpg", "Bird_0002.jpg")):
            whole = Image.fromarray(pixels[f"{name}/{photo}"])
            expected = np.asarray(whole.resize((10, 10), Image.Resampling.BILINEAR))
            np.testing.assert_array_equal(found[name][row], expected.transpose(2, 0, 1))


def test_cropping_keeps_what_is_in_the_bounding_box(
    registry: Registry, species: tuple[Path, Any]
) -> None:
    root, pixels = species
    left, top, width, height = BOX
    for one in read(registry, root, crop=True, side=8, resampling="nearest"):
        photo = pixels[f"{one.name}/Bird_0002.jpg"][top : top + height, left : left + width]
        expected = Image.fromarray(photo).resize((8, 8), Image.Resampling.NEAREST)
        np.testing.assert_array_equal(one.inputs[1], np.asarray(expected).transpose(2, 0, 1))


def copy(root: Path, to: Path, change: Callable[[Path], object]) -> Path:
    """Copies the folder by links, so that it is quick, and changes the copy."""
    for path in root.rglob("*"):
        if path.is_file():
            target = to / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    change(to / "CUB_200_2011")
    return to


def test_a_box_that_reaches_beyond_the_photo_ends_at_its_edge(
    registry: Registry, species: tuple[Path, Any], tmp_path: Path
) -> None:
    def beyond(folder: Path) -> None:
        path = folder / "bounding_boxes.txt"
        lines = path.read_text().splitlines()
        path.write_text("\n".join(["1 -2.0 4.0 100.0 100.0", *lines[1:]]))

    root = copy(species[0], tmp_path, beyond)
    found = {c.name: c.inputs for c in read(registry, root, crop=True, side=8)}
    photo = species[1]["001.Bird_1/Bird_0001.jpg"][4:]
    expected = np.asarray(Image.fromarray(photo).resize((8, 8), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(found["001.Bird_1"][0], expected.transpose(2, 0, 1))


def without_boxes(folder: Path) -> None:
    lines = (folder / "bounding_boxes.txt").read_text().splitlines()
    (folder / "bounding_boxes.txt").write_text("\n".join(lines[1:]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "images/007.Bird_7").rename(f / "images/Bird_7"), "has 200 folders"),
        (lambda f: (f / "images/007.Bird_7/Bird_0001.jpg").unlink(), "has 399 photos, not 400"),
        (lambda f: (f / "images/007.Bird_7/Bird_0001.jpg").write_bytes(b""), "Bird_0001.jpg is em"),
        (lambda f: (f / "images/007.Bird_7/Bird_0001.jpg").write_bytes(b"no"), "no image that Pil"),
        (lambda f: (f / "bounding_boxes.txt").write_text("1 2"), "has a line '1 2'"),
        (lambda f: (f / "bounding_boxes.txt").write_text("1 a b c d"), "'1 a b c d'"),
        (lambda f: (f / "bounding_boxes.txt").unlink(), "has no file bounding_boxes.txt"),
        (without_boxes, "has no box for images/001.Bird_1/Bird_0001.jpg"),
    ],
)
def test_folders_that_are_not_as_published_are_refused_in_one_line(
    change: Callable[[Path], object],
    message: str,
    registry: Registry,
    species: tuple[Path, Any],
    tmp_path: Path,
) -> None:
    root = copy(species[0], tmp_path, change)
    with pytest.raises(BenchError, match=message) as raised:
        read(registry, root, crop=True, side=4)
    assert "\n" not in str(raised.value)


def test_what_is_missing_is_named_with_where_it_can_be_had(
    registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match=r"CUB_200_2011\.tgz is not there.*data\.caltech\.edu"):
        read(registry, tmp_path)


def test_the_archive_is_unpacked_with_what_lies_beside_its_folder(
    registry: Registry, species: tuple[Path, Any], tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "CUB_200_2011.tgz", "w:gz") as archive:
        archive.add(species[0] / "CUB_200_2011", "CUB_200_2011")
        beside = tarfile.TarInfo("attributes.txt")
        archive.addfile(beside, io.BytesIO(b""))
    chosen: dict[str, Any] = {"split": "chen", "crop": False, "side": 4, "fit": "stretch"}
    dataset = registry.dataset("cub")(**chosen)
    cached = open_dataset(dataset, chosen, DataFiles(tmp_path, False), lambda done, total: None)
    splits = cached.record.splits
    assert {split: len(record.classes) for split, record in splits.items()} == {
        "train": 100,
        "val": 50,
        "test": 50,
    }
    assert {count for record in splits.values() for count in record.counts} == {2}
    assert "ImageNet" in cached.record.remarks[0]

"""Omniglot: the published splits on the real archives, and small ones pixel by pixel."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.dataset import DataFiles
from bench.images import decode
from bench.registry import Registry
from tests.datasets.omniglot_files import (
    BACKGROUND,
    DRAWINGS,
    EVALUATION,
    Small,
    Write,
    both_layouts,
    by_split,
    png,
    read,
)


@dataclass(frozen=True)
class Real:
    """What one reading of the real archives gave, without most of its pixels."""

    splits: dict[str, set[str]]
    sizes: set[tuple[int, ...]]
    values: set[int]
    sample: dict[str, NDArray[np.uint8]]


@pytest.fixture(scope="module")
def real(registry: Registry, shared_data: Path) -> Real:
    dataset = registry.dataset("omniglot")()
    splits: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    sizes, values, sample = set(), set(), {}
    for one in dataset.classes(DataFiles(shared_data, download=False)):
        assert one.name not in splits[one.split]
        splits[one.split].add(one.name)
        sizes.add(one.inputs.shape)
        values |= set(np.flatnonzero(np.bincount(one.inputs.ravel(), minlength=256)).tolist())
        if "character07" in one.name:
            sample[one.name] = np.asarray(one.inputs, dtype=np.uint8)
    return Real(splits, sizes, values, sample)


def test_there_are_1028_172_and_423_characters_in_four_rotations_of_20_drawings(real: Real) -> None:
    counts = {split: len(names) for split, names in real.splits.items()}
    assert counts == {"train": 4 * 1028, "val": 4 * 172, "test": 4 * 423}
    assert real.sizes == {(20, 1, 28, 28)}
    assert real.values == {0, 255}


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_split_is_the_published_one_class_by_class(
    split: str, real: Real, shared_data: Path
) -> None:
    lines = (shared_data / "splits" / "omniglot-vinyals" / f"{split}.txt").read_text().split()
    assert real.splits[split] == set(lines)
    assert len(lines) == len(real.splits[split])


def test_rotations_of_a_character_are_of_one_base_class_and_one_alphabet(
    real: Real, registry: Registry
) -> None:
    dataset = registry.dataset("omniglot")()
    bases = {split: {*map(dataset.base_class, names)} for split, names in real.splits.items()}
    assert {split: len(found) for split, found in bases.items()} == {
        "train": 1028,
        "val": 172,
        "test": 423,
    }
    assert not bases["train"] & bases["test"]
    alphabets = {split: {*map(dataset.group, names)} for split, names in real.splits.items()}
    assert {split: len(found) for split, found in alphabets.items()} == {
        "train": 33,
        "val": 5,
        "test": 13,
    }
    assert alphabets["train"] & alphabets["test"] == {"Gurmukhi"}  # the published split has both


def original(archive: zipfile.ZipFile, folder: str) -> list[Image.Image]:
    names = sorted(n for n in archive.namelist() if f"/{folder}/" in n and n.endswith(".png"))
    return [Image.open(io.BytesIO(archive.read(name))) for name in names]


def test_shrinking_is_what_pillow_does_to_the_one_bit_images(real: Real, shared_data: Path) -> None:
    checked = 0
    for part in (BACKGROUND, EVALUATION):
        with zipfile.ZipFile(shared_data / "omniglot-py" / f"{part}.zip") as archive:
            inside = {name.partition("/")[2].rpartition("/")[0] for name in archive.namelist()}
            for folder in sorted(inside & {name.removesuffix("/rot000") for name in real.sample}):
                originals = original(archive, folder)
                for mine, drawing in zip(real.sample[f"{folder}/rot000"], originals, strict=True):
                    assert drawing.mode == "1" and drawing.size == (105, 105)
                    paper = np.asarray(drawing.resize((28, 28)))
                    np.testing.assert_array_equal(mine[0], np.where(paper, 0, 255))
                    checked += 1
    assert checked == 20 * sum(name.endswith("rot000") for name in real.sample) > 900


def test_rotations_are_quarter_turns_of_one_another(real: Real) -> None:
    for name, images in real.sample.items():
        if name.endswith("rot000"):
            for turn in (1, 2, 3):
                turned = real.sample[name.replace("rot000", f"rot{90 * turn:03d}")]
                for one, other in zip(images, turned, strict=True):
                    np.testing.assert_array_equal(np.rot90(one[0], turn), other[0])


@pytest.fixture
def blank(shared_data: Path, omniglot_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Real names with blank drawings: all that the splits depend on, in no time."""
    names: dict[str, list[tuple[str, int]]] = {}
    digest = hashlib.sha256()
    for part in (BACKGROUND, EVALUATION):
        with zipfile.ZipFile(shared_data / "omniglot-py" / f"{part}.zip") as archive:
            images = [name.split("/") for name in archive.namelist() if name.endswith(".png")]
        names[part] = sorted({(path[1], int(path[2].removeprefix("character"))) for path in images})
        for alphabet, character in names[part]:
            digest.update(f"{alphabet}/{character:02d}".encode() + bytes((20 * 105 * 105 + 7) // 8))
    drawings = np.zeros((20, 105, 105), dtype=np.bool_)

    def read_part(path: Path, part: str) -> Iterator[tuple[str, int, NDArray[np.bool_]]]:
        for alphabet, character in names[part]:
            yield alphabet, character, drawings

    monkeypatch.setattr(omniglot_module, "read_part", read_part)
    monkeypatch.setattr(omniglot_module, "PIXELS", digest.hexdigest())
    return shared_data


def test_the_background_split_tests_on_the_evaluation_set_and_trains_on_the_background_set(
    blank: Path, registry: Registry, shared_data: Path
) -> None:
    splits = by_split(read(registry, blank, split="background"))
    with zipfile.ZipFile(shared_data / "omniglot-py" / f"{EVALUATION}.zip") as archive:
        evaluation = {"/".join(n.split("/")[1:3]) for n in archive.namelist() if n.endswith(".png")}
    assert len(evaluation) == 659
    turns = ("000", "090", "180", "270")
    assert splits["test"] == {f"{name}/rot{turn}" for name in evaluation for turn in turns}
    published = (shared_data / "splits" / "omniglot-vinyals" / "val.txt").read_text().split()
    assert splits["val"] == set(published)
    assert len(splits["train"]) == 4 * (964 - 172)
    assert not splits["train"] & (splits["val"] | splits["test"])


@pytest.mark.parametrize("split", ["vinyals", "background"])
def test_without_rotations_in_test_each_test_character_is_one_class(
    split: str, blank: Path, registry: Registry
) -> None:
    rotated = by_split(read(registry, blank, split=split))
    splits = by_split(read(registry, blank, split=split, rotate_test=False))
    assert splits["test"] == {name for name in rotated["test"] if name.endswith("rot000")}
    assert (splits["train"], splits["val"]) == (rotated["train"], rotated["val"])


@both_layouts
def test_zips_and_unpacked_folders_give_every_class_its_drawings(
    write: Write, small: Small, tmp_path: Path, registry: Registry
) -> None:
    write(small, tmp_path)
    classes = read(registry, tmp_path)
    assert [(c.name, c.split) for c in classes if c.name.endswith("rot000")] == [
        ("Hebrew/character01/rot000", "val"),
        ("Latin/character01/rot000", "train"),
        ("Gurmukhi/character42/rot000", "test"),
        ("Tengwar/character01/rot000", "test"),
    ]
    for one in classes:
        name, _, turn = one.name.rpartition("/rot")
        assert one.inputs.shape == (DRAWINGS, 1, 28, 28) and one.inputs.flags["C_CONTIGUOUS"]
        for image, drawing in zip(one.inputs, small.ink[name], strict=True):
            paper = Image.fromarray(~drawing).resize((28, 28), Image.Resampling.NEAREST)
            turned = np.rot90(np.asarray(paper), int(turn) // 90)
            np.testing.assert_array_equal(image[0], np.where(turned, 0, 255))


def test_zips_straight_under_the_root_are_found_too(
    small: Small, tmp_path: Path, registry: Registry
) -> None:
    small.write_zips(tmp_path)
    assert len(read(registry, tmp_path / "omniglot-py")) == 16


def test_lanczos_shrinks_with_shades_of_grey(
    small: Small, tmp_path: Path, registry: Registry
) -> None:
    small.write_zips(tmp_path)
    classes = read(registry, tmp_path, resampling="lanczos")
    drawing = small.ink["Latin/character01"][0]
    grey = Image.fromarray(drawing.astype(np.uint8) * 255)
    expected = np.asarray(grey.resize((28, 28), Image.Resampling.LANCZOS))
    (latin,) = (c for c in classes if c.name == "Latin/character01/rot000")
    np.testing.assert_array_equal(latin.inputs[0, 0], expected)
    assert len(np.unique(latin.inputs)) > 50


@pytest.mark.parametrize("resampling", ["nearest", "lanczos"])
def test_its_form_makes_a_drawing_into_what_the_dataset_has(
    small: Small, tmp_path: Path, registry: Registry, resampling: str
) -> None:
    small.write_zips(tmp_path)
    omniglot: Any = registry.dataset("omniglot")
    form = omniglot(resampling=resampling).form()
    assert form is not None
    (latin,) = (
        c
        for c in read(registry, tmp_path, resampling=resampling)
        if c.name == "Latin/character01/rot000"
    )
    made = decode(png(small.ink["Latin/character01"][0]), "drawing.png", form)
    # Inversion before and after shrinking differ by the rounding of shades.
    apart = np.abs(made.astype(int) - latin.inputs[0]).max()
    assert apart <= (0 if resampling == "nearest" else 1)
    assert made.mean() < 128, "little of it is ink, and ink is bright"

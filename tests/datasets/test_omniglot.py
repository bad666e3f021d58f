"""Omniglot: the published splits on the real archives, and every way a file can be wrong."""

from __future__ import annotations

import hashlib
import importlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.dataset import ClassExamples, DataFiles
from bench.errors import BenchError
from bench.registry import Registry

BACKGROUND, EVALUATION = "images_background", "images_evaluation"


@pytest.fixture(scope="module")
def module(registry: Registry) -> ModuleType:
    """The module behind the dataset; tests reach plugins through the registry only."""
    return importlib.import_module(registry.dataset("omniglot").__module__)


def read(
    registry: Registry, root: Path, download: bool = False, **chosen: Any
) -> list[ClassExamples]:
    dataset = registry.dataset("omniglot")(**chosen)
    found = list(dataset.classes(DataFiles(root, download)))
    assert dataset.class_count() == len(found)
    return found


def by_split(classes: list[ClassExamples]) -> dict[str, set[str]]:
    return {
        split: {c.name for c in classes if c.split == split} for split in ("train", "val", "test")
    }


# The real archives.


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


# Real names with blank drawings: all that the splits depend on, in no time.


@pytest.fixture
def blank(shared_data: Path, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
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

    monkeypatch.setattr(module, "read_part", read_part)
    monkeypatch.setattr(module, "PIXELS", digest.hexdigest())
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


# A small archive in the layout of the real one.

PARTS = {BACKGROUND: ("Hebrew", "Latin"), EVALUATION: ("Gurmukhi", "Tengwar")}
DRAWINGS = 3


def png(pixels: NDArray[np.bool_]) -> bytes:
    """Returns a one-bit PNG, ink black on white."""
    file = io.BytesIO()
    Image.fromarray(~pixels).convert("1").save(file, "PNG")
    return file.getvalue()


@dataclass(frozen=True)
class Small:
    """The files of both parts by name, and the ink of every character in order."""

    files: Mapping[str, dict[str, bytes]]
    ink: Mapping[str, NDArray[np.bool_]]

    def write_zips(self, root: Path) -> None:
        for part, files in self.files.items():
            (root / "omniglot-py").mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(root / "omniglot-py" / f"{part}.zip", "w") as archive:
                archive.writestr(f"{part}/", b"")
                for name, content in reversed(files.items()):
                    archive.writestr(name, content)

    def write_folders(self, root: Path) -> None:
        for files in self.files.values():
            for name, content in files.items():
                path = root / "omniglot-py" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


@pytest.fixture
def small(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Small:
    rng = np.random.default_rng(0)
    digest = hashlib.sha256()
    files: dict[str, dict[str, bytes]] = {part: {} for part in PARTS}
    ink: dict[str, NDArray[np.bool_]] = {}
    for part, alphabets in PARTS.items():
        for alphabet in alphabets:
            number = 42 if alphabet == "Gurmukhi" else 1
            drawings = rng.random((DRAWINGS, 105, 105)) < 0.2
            ink[f"{alphabet}/character{number:02d}"] = drawings
            digest.update(f"{alphabet}/{number:02d}".encode())
            bits = "".join("1" if pixel else "0" for pixel in drawings.ravel().tolist())
            bits += "0" * (-len(bits) % 8)
            digest.update(int(bits, 2).to_bytes(len(bits) // 8, "big"))
            for drawing in range(DRAWINGS):
                name = f"{part}/{alphabet}/character{number:02d}/{number:04d}_{drawing + 1:02d}.png"
                files[part][name] = png(drawings[drawing])
    monkeypatch.setattr(module, "PARTS", {part: len(PARTS[part]) for part in PARTS})
    monkeypatch.setattr(module, "DRAWINGS", DRAWINGS)
    monkeypatch.setattr(module, "PIXELS", digest.hexdigest())
    return Small(files, ink)


Write = Callable[[Small, Path], None]
both_layouts = pytest.mark.parametrize("write", [Small.write_zips, Small.write_folders])


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


def test_a_truncated_zip_is_refused_with_its_path_and_the_cure(
    small: Small, tmp_path: Path, registry: Registry
) -> None:
    small.write_zips(tmp_path)
    path = tmp_path / "omniglot-py" / f"{EVALUATION}.zip"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BenchError, match=rf"{EVALUATION}\.zip cannot be read .*fetch it again"):
        read(registry, tmp_path)


def test_a_damaged_file_inside_a_zip_is_refused_with_both_names(
    small: Small, tmp_path: Path, registry: Registry
) -> None:
    small.write_zips(tmp_path)
    path = tmp_path / "omniglot-py" / f"{BACKGROUND}.zip"
    content = bytearray(path.read_bytes())
    name = next(iter(small.files[BACKGROUND]))
    content[content.index(name.encode()) + len(name) + 60] ^= 255
    path.write_bytes(content)
    with pytest.raises(BenchError, match=rf"0001_01\.png in .*{BACKGROUND}\.zip cannot be read"):
        read(registry, tmp_path)


@both_layouts
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "cannot be read"),
        (b"not a png", "cannot be read"),
        (png(np.zeros((105, 105), dtype=np.bool_))[:60], "cannot be read"),
        (png(np.zeros((28, 28), dtype=np.bool_)), r"has size \(28, 28\), not 105x105"),
    ],
    ids=["empty", "text", "truncated", "small"],
)
def test_an_image_that_is_wrong_is_refused_with_its_name_and_place(
    content: bytes,
    complaint: str,
    write: Write,
    small: Small,
    tmp_path: Path,
    registry: Registry,
) -> None:
    name = next(iter(small.files[EVALUATION]))
    small.files[EVALUATION][name] = content
    write(small, tmp_path)
    with pytest.raises(BenchError, match=rf"0042_01\.png in .*{EVALUATION}.*{complaint}"):
        read(registry, tmp_path)


@both_layouts
def test_a_missing_image_is_refused_with_the_counts(
    write: Write, small: Small, tmp_path: Path, registry: Registry
) -> None:
    small.files[EVALUATION].popitem()
    write(small, tmp_path)
    with pytest.raises(BenchError, match=rf"{EVALUATION}.* has 5 images, not 6; delete it"):
        read(registry, tmp_path)


@both_layouts
def test_a_missing_character_is_refused_with_the_counts(
    write: Write, small: Small, tmp_path: Path, registry: Registry
) -> None:
    for _ in range(DRAWINGS):
        small.files[BACKGROUND].popitem()
    write(small, tmp_path)
    with pytest.raises(BenchError, match=rf"{BACKGROUND}.* has 1 characters, not 2; delete it"):
        read(registry, tmp_path)


def test_an_image_in_the_folder_of_another_character_is_refused(
    small: Small, tmp_path: Path, registry: Registry
) -> None:
    files = small.files[BACKGROUND]
    name = next(iter(files))
    files[name.replace("Hebrew", "Latin").replace("_01", "_00")] = files.pop(name)
    small.write_zips(tmp_path)
    with pytest.raises(BenchError, match=r"fetch .* again"):
        read(registry, tmp_path)


def test_a_character_folder_without_a_number_is_refused(
    small: Small, tmp_path: Path, registry: Registry
) -> None:
    files = small.files[BACKGROUND]
    for name in [n for n in files if "Latin" in n]:
        files[name.replace("character01", "characterA")] = files.pop(name)
    small.write_zips(tmp_path)
    with pytest.raises(BenchError, match="characterA"):
        read(registry, tmp_path)


def test_one_other_pixel_anywhere_is_refused(
    small: Small, tmp_path: Path, registry: Registry
) -> None:
    name = next(iter(small.files[BACKGROUND]))
    drawing = small.ink["Hebrew/character01"][0].copy()
    drawing[52, 3] ^= True
    small.files[BACKGROUND][name] = png(drawing)
    small.write_zips(tmp_path)
    with pytest.raises(BenchError, match=r"do not hold the known pixels .*fetch them again"):
        read(registry, tmp_path)


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
    tmp_path: Path, registry: Registry, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: str, background: bool) -> None:
        raise OSError("Name or service\nnot known")

    monkeypatch.setattr(module, "import_extra", lambda name: FakeTorchvision(fail))
    with pytest.raises(
        BenchError, match=r"download failed \(Name or service not known\)"
    ) as caught:
        read(registry, tmp_path, download=True)
    assert_names_files_place_and_alternatives(str(caught.value), tmp_path)


def test_a_download_that_fails_leaves_no_folder_behind(
    tmp_path: Path, registry: Registry, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: str, background: bool) -> None:
        (Path(root) / "omniglot-py").mkdir(parents=True)  # as torchvision does
        raise OSError

    monkeypatch.setattr(module, "import_extra", lambda name: FakeTorchvision(fail))
    with pytest.raises(BenchError, match="download failed"):
        read(registry, tmp_path / "a" / "typo", download=True)
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_fails_keeps_what_was_there(
    tmp_path: Path, registry: Registry, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: str, background: bool) -> None:
        (Path(root) / "omniglot-py" / "images_background.zip").write_bytes(b"half")
        raise OSError

    (tmp_path / "empty").mkdir()
    (tmp_path / "omniglot-py").mkdir()
    monkeypatch.setattr(module, "import_extra", lambda name: FakeTorchvision(fail))
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
    module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetched: list[bool] = []

    def fetch(root: str, background: bool) -> None:
        fetched.append(background)
        small.write_folders(Path(root))

    monkeypatch.setattr(module, "import_extra", lambda name: FakeTorchvision(fetch))
    assert len(read(registry, tmp_path, download=True)) == 16
    assert sorted(fetched) == [False, True]


def test_what_is_there_is_not_downloaded(
    small: Small,
    tmp_path: Path,
    registry: Registry,
    module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small.write_zips(tmp_path)
    monkeypatch.setattr(module, "import_extra", pytest.fail)
    assert len(read(registry, tmp_path, download=True)) == 16

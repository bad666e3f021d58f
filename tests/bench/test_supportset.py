"""Support sets: folders, zips, tables and mappings, and what cannot be one."""

from __future__ import annotations

import os
import shutil
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import BenchError
from bench.imageform import ImageForm
from bench.supportset import read_support
from tests.bench.picture_files import picture, write_picture, write_support

FORM = ImageForm(12, 12)
SHOTS = {"red": 2, "green": 3}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_support(tmp_path / "support", SHOTS)


def test_a_folder_has_a_class_per_folder_of_as_many_pictures_as_it_likes(folder: Path) -> None:
    support = read_support(folder, FORM)
    assert support.classes == ("green", "red")
    assert support.counts == (3, 2)
    assert support.inputs.shape == (5, 3, 12, 12) and support.inputs.dtype == np.uint8
    brightest = support.inputs.mean((2, 3)).argmax(1)  # the channel: red 0, green 1
    np.testing.assert_array_equal(brightest, np.where(support.labels == 1, 0, 1))


def test_a_zip_a_table_and_a_mapping_give_the_same_support(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "known.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for path in folder.rglob("*.png"):
            made.write(path, f"around/{path.relative_to(folder).as_posix()}")
    table = tmp_path / "known.csv"
    paths = sorted(folder.rglob("*.png"))
    lines = [f"{path.relative_to(tmp_path).as_posix()},{path.parent.name}" for path in paths]
    table.write_text("\n".join(["path,class", *lines]) + "\n")
    pictures = {
        name: [picture(name, number) for number in range(count)] for name, count in SHOTS.items()
    }
    files = {name: [folder / name / f"{n}.png" for n in range(c)] for name, c in SHOTS.items()}
    support = read_support(folder, FORM)
    for other in (archive, table, pictures, files):
        found = read_support(other, FORM)
        np.testing.assert_array_equal(found.inputs, support.inputs)
        np.testing.assert_array_equal(found.labels, support.labels)


def test_the_order_is_that_of_the_content_whatever_files_are_called(
    folder: Path, tmp_path: Path
) -> None:
    support = read_support(folder, FORM)
    renamed = tmp_path / "renamed"
    for path in folder.rglob("*.png"):
        target = renamed / path.parent.name / f"{9 - int(path.stem)}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    np.testing.assert_array_equal(read_support(renamed, FORM).inputs, support.inputs)


def test_formats_modes_sizes_nested_folders_and_accents_do_not_matter(tmp_path: Path) -> None:
    folder = tmp_path / "support"
    write_picture(folder / "red" / "far" / "in" / "one.jpg", "red", 0, side=40)
    Image.fromarray(picture("red", 1)).convert("P").save(folder / "red" / "two.gif")
    Image.fromarray(picture("red", 2)).convert("L").save(folder / "red" / "three.bmp")
    write_picture(folder / unicodedata.normalize("NFD", "grün") / "ü.webp", "green", 0, side=7)
    support = read_support(folder, FORM)
    assert support.classes == (unicodedata.normalize("NFC", "grün"), "red")
    assert support.counts == (1, 3)


def test_files_that_are_no_pictures_are_passed_over_and_told(folder: Path) -> None:
    (folder / "red" / "notes.txt").write_text("ripe")
    (folder / "red" / ".DS_Store").write_bytes(b"\0")
    write_picture(folder / "stray.png", "red", 9)
    support = read_support(folder, FORM)
    assert support.counts == (3, 2)
    assert support.remarks == (
        "passed over, as no images: 1 .txt",
        "left out, as in no class's folder: stray.png",
    )


def test_a_picture_that_is_in_two_classes_is_told(folder: Path) -> None:
    shutil.copy(folder / "red" / "0.png", folder / "green" / "again.png")
    (remark,) = read_support(folder, FORM).remarks
    assert "in two classes" in remark and "red/0.png" in remark and "green/again.png" in remark


def test_what_is_no_support_is_said_in_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "flat").mkdir()
    write_picture(tmp_path / "flat" / "a.png", "red", 0)
    one = write_support(tmp_path / "one", {"red": 3})
    for given, why in (
        (tmp_path / "absent", "no folder or zip file"),
        (tmp_path / "nothing", "has no images"),
        (tmp_path / "flat", "has no classes; it needs two or more"),
        (one, "has one class, 'red'"),
        ({"red": [picture("red", 0)]}, "the support has one class"),
        ({"red": [picture("red", 0)], "blue": []}, "class 'blue' has no pictures"),
    ):
        with pytest.raises(BenchError, match=why):
            read_support(given, FORM)


def test_a_class_folder_without_pictures_is_refused_by_name(folder: Path) -> None:
    (folder / "blue").mkdir()
    with pytest.raises(BenchError, match="class 'blue' has no pictures"):
        read_support(folder, FORM)
    (folder / "blue" / "later.txt").write_text("to be photographed")
    with pytest.raises(BenchError, match="class 'blue' has no pictures"):
        read_support(folder, FORM)


def test_damaged_pictures_are_refused_by_name(folder: Path) -> None:
    (folder / "red" / "empty.jpg").write_bytes(b"")
    whole = (folder / "green" / "0.png").read_bytes()
    (folder / "green" / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BenchError, match="2 of 7 pictures") as error:
        read_support(folder, FORM)
    assert "red/empty.jpg is empty" in str(error.value) and "green/cut.png" in str(error.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_picture_without_permission_is_refused_by_name(folder: Path) -> None:
    (folder / "red" / "0.png").chmod(0)
    with pytest.raises(BenchError, match=r"0\.png cannot be read"):
        read_support(folder, FORM)

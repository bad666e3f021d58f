"""Your own images in a folder or zip: which class, split and group each has."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.classsplit import draw_split, write_split
from bench.imageform import ImageForm
from bench.registry import Registry
from tests.datasets.own_images import (
    SIDE,
    many,
    names,
    opened,
    pixels,
    read,
    write_classes,
    write_image,
    zipped,
)


def test_a_class_is_a_folder_and_its_images_come_in_the_order_of_their_names(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", many(4))
    classes, _ = read(registry, folder)
    assert [one.name for one in classes] == ["c00", "c01", "c02", "c03"]
    for one in classes:
        of = [pixels((folder / one.name / f"{n:02d}.png").as_posix()) for n in range(6)]
        np.testing.assert_array_equal(one.inputs, np.stack(of).transpose(0, 3, 1, 2))
        assert one.groups is None


def test_without_a_split_one_is_drawn_by_the_seed_and_told(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", many(8))
    assert names(registry, folder) == draw_split(many(8), 0)
    assert names(registry, folder, split_seed=5) == draw_split(many(8), 5)
    assert read(registry, folder, split_seed=5)[1] == (
        "no split was given; seed 5 makes it 3 classes to train, 0 to validate, 5 to test",
    )


@pytest.mark.parametrize("called", ["val", "valid", "Validation"])
def test_split_folders_give_the_splits(registry: Registry, tmp_path: Path, called: str) -> None:
    folder = tmp_path / "photos"
    write_classes(folder, {"train/a": 6, "train/b": 6, f"{called}/c": 6, "test/d": 6})
    (folder / "readme.txt").write_text("x")
    assert names(registry, folder) == {"a": "train", "b": "train", "c": "val", "d": "test"}


def test_a_class_that_is_called_like_a_split_beside_others_is_a_class(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", {"train": 6, "bus": 6, "test": 6, "tram": 6})
    assert sorted(names(registry, folder)) == ["bus", "test", "train", "tram"]


def test_classes_called_train_and_test_alone_are_classes_too(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", {"train": 6, "test": 6})
    assert sorted(names(registry, folder, classes="fixed")) == ["test", "train"]


def test_fixed_classes_are_all_in_test_whatever_folder_they_are_in(
    registry: Registry, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    write_classes(folder, {"train/a": 3, "test/a": 3, "train/b": 6})
    classes, remarks = read(registry, folder, classes="fixed")
    assert [(one.name, one.split, len(one.inputs)) for one in classes] == [
        ("a", "test", 6),
        ("b", "test", 6),
    ]
    assert remarks == ()


def test_nested_folders_are_classes_named_by_their_way_and_grouped_by_it(
    registry: Registry, tmp_path: Path
) -> None:
    sizes = {"animals/cats": 6, "animals/dogs": 6, "plants/trees/oak": 6, "cars": 6}
    folder = write_classes(tmp_path / "photos", sizes)
    assert set(names(registry, folder)) == set(sizes)
    dataset = opened(registry, folder)
    assert [dataset.group(name) for name in sizes] == ["animals", "animals", "plants/trees", ""]


def test_depth_says_how_many_folders_name_a_class(registry: Registry, tmp_path: Path) -> None:
    sizes = {f"{name}/{part}": 3 for name in ("a", "b", "c", "d") for part in ("x", "y")}
    folder = write_classes(tmp_path / "photos", sizes)
    write_image(folder / "a" / "own.png")
    classes, _ = read(registry, folder, depth=1)
    assert [(one.name, len(one.inputs)) for one in classes] == [
        ("a", 7),
        ("b", 6),
        ("c", 6),
        ("d", 6),
    ]
    classes, remarks = read(registry, folder, depth=2, least=3)
    assert [one.name for one in classes] == sorted(sizes)
    assert "left out, as in no class's folder: 1 image (a/own.png)" in remarks


def test_a_zip_is_read_as_its_folder_is_with_or_without_a_folder_around_it(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", many(4))
    plain, _ = read(registry, folder)
    for around in ("", "photos/", "some/where/photos/"):
        packed = zipped(folder, tmp_path / "photos.zip", around=around)
        classes, _ = read(registry, packed)
        assert [(one.name, one.split) for one in classes] == [(c.name, c.split) for c in plain]
        for one, other in zip(classes, plain, strict=True):
            np.testing.assert_array_equal(one.inputs, other.inputs)


def test_split_folders_are_found_below_a_folder_around_them(
    registry: Registry, tmp_path: Path
) -> None:
    write_classes(tmp_path / "photos" / "v1", {"train/a": 6, "train/b": 6, "test/d": 6})
    write_image(tmp_path / "photos" / "cover.png")
    classes, remarks = read(registry, tmp_path / "photos")
    assert {one.name: one.split for one in classes} == {"a": "train", "b": "train", "d": "test"}
    assert remarks == ("left out, as in no class's folder: 1 image (cover.png)",)


def test_hidden_files_are_not_there_and_files_that_are_no_images_are_counted(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", many(4))
    for name in (".DS_Store", "c00/.hidden.png", ".cache/x.png", "__MACOSX/c00/a.png"):
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(b"nothing")
    for name in ("notes.txt", "c00/Thumbs.db", "c01/more.TXT"):
        (folder / name).write_bytes(b"nothing")
    classes, remarks = read(registry, folder)
    assert [len(one.inputs) for one in classes] == [6] * 4
    assert "passed over, as no images: 3 files (2 .txt, 1 .db)" in remarks


def test_the_content_decides_what_an_image_is_not_the_ending(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", many(4, each=2))
    for name in many(4):
        for number, (kind, ending) in enumerate(
            [("jpeg", ".png"), ("bmp", ""), ("webp", ".JPG"), ("gif", ".image"), ("tiff", ".tif")]
        ):
            image = Image.fromarray(pixels(f"{name} {kind}"))
            image.save(folder / name / f"x{number}{ending}", kind)
    classes, _ = read(registry, folder)
    assert [len(one.inputs) for one in classes] == [7] * 4
    bmp = classes[0].inputs[3].transpose(1, 2, 0)
    np.testing.assert_array_equal(bmp, pixels("c00 bmp"))


def test_any_mode_and_size_becomes_the_form(registry: Registry, tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "photos", many(4, each=2))
    for name in many(4):
        for mode in ("1", "L", "LA", "P", "RGBA", "CMYK", "I;16"):
            shape = (5, 9) if mode == "I;16" else (5, 9, 3)
            image = Image.fromarray(
                pixels(f"{name} {mode}", shape).astype(np.uint16 if mode == "I;16" else np.uint8)
            )
            saved = image if mode == "I;16" else image.convert(mode)
            saved.save(folder / name / f"{mode[:1]}{len(mode)}.tif")
    colour, _ = read(registry, folder)
    assert [one.inputs.shape for one in colour] == [(9, 3, SIDE, SIDE)] * 4
    grey, _ = read(registry, folder, mode="grey", side=5)
    assert [one.inputs.shape for one in grey] == [(9, 1, 5, 5)] * 4


def test_the_form_says_what_parameters_do(registry: Registry, tmp_path: Path) -> None:
    assert opened(registry, tmp_path, side=84).form() == ImageForm(84, 84, "RGB", "stretch")
    made = opened(registry, tmp_path, side=9, mode="grey", fit="pad", resampling="lanczos")
    assert made.form() == ImageForm(9, 9, "L", "pad", "lanczos")


def test_names_may_be_in_any_script_and_one_name_spelled_in_two_ways_is_one_class(
    registry: Registry, tmp_path: Path
) -> None:
    folder = tmp_path / "φωτο graphs"
    composed, combining = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    write_classes(folder, {"猫 ねこ": 6, "Ёж": 6, "कुत्ता": 6, combining: 3})
    for number in range(3):
        write_image(folder / composed / f"{number}é.png")
    classes, _ = read(registry, folder)
    found = {one.name: len(one.inputs) for one in classes}
    assert found == {"猫 ねこ": 6, "Ёж": 6, unicodedata.normalize("NFC", "कुत्ता"): 6, composed: 6}


def test_classes_with_too_few_images_are_left_out_and_named(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", {**many(4), "tiny": 5, "one": 1})
    classes, remarks = read(registry, folder)
    assert [one.name for one in classes] == list(many(4))
    assert "left out, with fewer than 6 images: one (1), tiny (5)" in remarks
    assert "tiny" in names(registry, folder, least=5)


def test_a_split_file_goes_before_split_folders_and_may_name_what_was_left_out(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(
        tmp_path / "photos", {"train/a": 6, "train/b": 6, "test/c": 6, "test/tiny": 2}
    )
    write_split(tmp_path / "own.csv", {"a": "test", "b": "val", "c": "train", "tiny": "test"})
    splits = names(registry, folder, splits=str(tmp_path / "own.csv"))
    assert splits == {"a": "test", "b": "val", "c": "train"}


def test_groups_are_what_names_share_or_the_folder_below_the_class(
    registry: Registry, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    for name in many(4):
        for file in ("cup_1", "cup_2", "cup_3-4", "jug-1", "jug-2", "single"):
            write_image(folder / name / f"{file}.png")
    classes, _ = read(registry, folder, groups="prefix")
    assert classes[1].groups == tuple(
        f"c01/{group}" for group in ("cup", "cup", "cup_3", "jug", "jug", "single")
    )
    nested = write_classes(
        tmp_path / "videos", {f"{c}/{v}": 3 for c in many(4) for v in ("v1", "v2")}
    )
    classes, _ = read(registry, nested, groups="folder", depth=1)
    assert classes[2].groups == ("c02/v1",) * 3 + ("c02/v2",) * 3


def test_a_class_of_one_group_is_left_out_as_it_gives_no_query(
    registry: Registry, tmp_path: Path
) -> None:
    sizes = {f"{c}/{v}": 3 for c in many(4) for v in ("v1", "v2")}
    folder = write_classes(tmp_path / "videos", {**sizes, "still/v1": 9})
    classes, remarks = read(registry, folder, groups="folder", depth=1)
    assert [one.name for one in classes] == list(many(4))
    assert "left out, with fewer than 6 images of 2 groups: still (9)" in remarks


def test_copies_in_one_split_are_told(registry: Registry, tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "photos", many(4))
    write_image(folder / "c00" / "98.png", seed="twin")
    write_image(folder / "c00" / "99.png", seed="twin")
    remarks = read(registry, folder, classes="fixed")[1]
    (line,) = remarks
    assert line.startswith("1 file is a copy of another in the same split, such as c00/99.png")
    assert f"bench data doctor {folder}" in line

"""Folders that are not as they should be: one line that says what to do."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.cache import open_dataset
from bench.errors import BenchError
from bench.parameters import settle
from bench.registry import Registry
from tests.datasets.own_images import (
    files_at,
    many,
    opened,
    read,
    write_classes,
    write_image,
    zipped,
)


def nothing(folder: Path) -> None:
    folder.mkdir()


def no_image(folder: Path) -> None:
    nothing(folder)
    (folder / "list.txt").write_text("a\n")


def no_folders(folder: Path) -> None:
    write_image(folder / "a.png")
    write_image(folder / "b.png")


def one_class(folder: Path) -> None:
    write_classes(folder, {"cats": 9})


def one_each(folder: Path) -> None:
    write_classes(folder, many(8, each=1))


def one_each_but_one(folder: Path) -> None:
    write_classes(folder, {**many(8, each=1), "cats": 9})


def small(folder: Path) -> None:
    write_classes(folder, {**many(8, each=3), "cats": 5})


def three(folder: Path) -> None:
    write_classes(folder, many(3))


def no_train(folder: Path) -> None:
    write_classes(folder, {"val/a": 6, "test/b": 6, "test/c": 6})


def train_alone(folder: Path) -> None:
    write_classes(folder, {"train/a": 6, "train/b": 6})


def in_both(folder: Path) -> None:
    write_classes(folder, {"train/a": 6, "train/b": 6, "test/a": 6})


def mixed(folder: Path) -> None:
    write_classes(folder, {"a": 6, "b": 6, "b/old": 6})


def a_file(folder: Path) -> None:
    folder.write_bytes(b"no zip")


CASES: dict[str, tuple[Callable[[Path], None], str]] = {
    "empty": (nothing, "has no images; name a folder with a folder for each class"),
    "no images": (no_image, r"has no images, but 1 file \(1 \.txt\)"),
    "no folders": (no_folders, r"has 2 images, such as a\.png, but none within 1 folder"),
    "one class": (one_class, "has one class, 'cats'"),
    "one image each": (one_each, "fewer than 2 of the 8 classes .* two at least of each class"),
    "one image each but one": (one_each_but_one, "of the 9 classes .* two at least of each class"),
    "all too small": (small, "the largest, 'cats', has 5: add --set data.least=3"),
    "too few to divide": (three, "3 classes cannot be divided .*data.classes=fixed"),
    "no train": (no_train, "no classes to train, only 1 to val and 2 to test; .*bench data split"),
    "train alone": (train_alone, "no classes to test, only 2 to train"),
    "a class in two splits": (in_both, r"'a' in test and in train .*test/a/00\.png.*classes=fixed"),
    "images and folders mixed": (mixed, "b has 6 images of its own and more in b/old.*depth=1"),
    "a file": (a_file, "neither a folder nor a zip file nor a table"),
}


@pytest.mark.parametrize(("make", "message"), CASES.values(), ids=CASES)
def test_bad_folders_get_one_line(
    registry: Registry, tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(tmp_path / "photos")
    with pytest.raises(BenchError, match=message) as caught:
        read(registry, tmp_path / "photos")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"side": 0}, "side is 0; it must be at least 1"),
        ({"least": 1}, "least is 1; it must be at least 2"),
        ({"depth": -1}, "depth is -1; it must be at least 0"),
        ({"groups": "folder"}, "such as depth=1"),
        ({"splits": "nowhere.csv"}, r"there is no file or folder nowhere\.csv"),
    ],
)
def test_bad_parameters_get_one_line(
    registry: Registry, tmp_path: Path, parameters: dict[str, Any], message: str
) -> None:
    folder = write_classes(tmp_path / "photos", many(4))
    with pytest.raises(BenchError, match=message):
        opened(registry, folder, **parameters).stamp(files_at(tmp_path))


@pytest.mark.parametrize(
    ("path", "message"),
    [("", "name it: folder:PATH"), ("nowhere", "there is no file or folder nowhere")],
)
def test_a_path_that_leads_nowhere_is_told(
    registry: Registry, tmp_path: Path, path: str, message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        opened(registry, path).stamp(files_at(tmp_path))


def test_a_split_file_that_names_missing_classes_is_refused(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", many(4))
    path = tmp_path / "splits.csv"
    path.write_text("class,split\nc00,train\nc01,train\nc02,test\nc03,test\nc33,test\n")
    with pytest.raises(BenchError, match="names class 'c33'; did you mean 'c03'"):
        read(registry, folder, splits=str(path))
    path.write_text("class,split\nc00,train\nc01,train\nc02,val\nc03,val\n")
    with pytest.raises(BenchError, match=r"splits\.csv has no classes to test"):
        read(registry, folder, splits=str(path))


def damage(folder: Path) -> None:
    """Makes five of the images of c00 and c01 unreadable, each in another way."""
    whole = (folder / "c00" / "00.png").read_bytes()
    (folder / "c00" / "00.png").write_bytes(b"")
    (folder / "c00" / "01.png").write_bytes(whole[: len(whole) // 2])
    (folder / "c00" / "02.png").write_text("<html>not found</html>")
    (folder / "c01" / "03.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (folder / "c01" / "04.png").write_bytes(b"")


def test_damaged_images_are_counted_and_three_are_named_with_the_ways_out(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", many(4, each=8))
    damage(folder)
    with pytest.raises(BenchError, match="5 of 33 images cannot be read") as caught:
        read(registry, folder)
    text = str(caught.value)
    assert "c00/00.png is empty, c00/01.png cannot be decoded" in text
    assert "c00/02.png is no image that Pillow reads, but a web page and 2 more" in text
    assert f"bench data doctor {folder} lists all" in text
    assert "--set data.damaged=skip" in text


def test_damaged_images_are_left_out_on_request_and_so_are_classes_that_become_too_small(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", many(4, each=8))
    damage(folder)
    classes, remarks = read(registry, folder, damaged="skip")
    assert {one.name: len(one.inputs) for one in classes} == {"c01": 7, "c02": 8, "c03": 8}
    assert any(line.startswith("left out, as damaged: 5 images (c00/00.png is") for line in remarks)
    assert "left out, as too few of their images can be read: c00" in remarks


def test_nothing_is_left_of_a_cache_that_was_refused(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    folder = write_classes(tmp_path / "photos", many(4, each=8))
    damage(folder)
    dataset = registry.dataset("folder:x")
    parameters = settle("folder", dataset, {"path": str(folder), "side": 8})
    with pytest.raises(BenchError, match="5 of 33"):
        open_dataset(dataset(**parameters), parameters, files_at(tmp_path), lambda *_: None)
    assert [p for p in (tmp_path / "cache" / "datasets").iterdir() if p.is_dir()] == []


def test_a_member_of_a_zip_with_a_wrong_checksum_counts_as_damaged(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(tmp_path / "photos", many(4, each=7))
    packed = zipped(folder, tmp_path / "photos.zip")
    inside = (folder / "c02" / "03.png").read_bytes()
    content = packed.read_bytes()
    assert content.count(inside) == 1
    packed.write_bytes(content.replace(inside, inside[:-20] + bytes(20)))
    with pytest.raises(BenchError, match=r"1 of 28 images cannot be read: c02/03\.png in .*CRC"):
        read(registry, packed)
    classes, _ = read(registry, packed, damaged="skip")
    assert [len(one.inputs) for one in classes] == [7, 7, 6, 7]


def test_an_entry_of_a_zip_that_leads_out_of_it_is_refused(
    registry: Registry, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("../a/1.png", b"x")
    with pytest.raises(BenchError, match="leads out of it"):
        read(registry, tmp_path / "photos.zip")


def test_one_file_in_two_splits_is_refused_with_both_paths(
    registry: Registry, tmp_path: Path
) -> None:
    folder = write_classes(
        tmp_path / "photos", {"train/a": 6, "train/b": 6, "test/c": 6, "test/d": 6}
    )
    write_image(folder / "train" / "b" / "x.png", seed="twin")
    write_image(folder / "test" / "d" / "y.png", seed="twin")
    with pytest.raises(BenchError, match="are the same file, byte for byte") as caught:
        read(registry, folder)
    text = str(caught.value)
    assert "train/b/x.png (class 'b', train) and test/d/y.png (class 'd', test)" in text
    assert f"bench data doctor {folder}" in text


UNREADABLE = Path("/proc/self/mem")


@pytest.mark.skipif(not UNREADABLE.exists(), reason="there is no file that even root cannot read")
def test_a_file_that_cannot_be_read_counts_as_damaged(registry: Registry, tmp_path: Path) -> None:
    write_classes(tmp_path, many(4))
    rows = [f"{name}/{number:02d}.png,{name}" for name in many(4) for number in range(6)]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(["path,class", *rows, f"{UNREADABLE},c00"]))
    with pytest.raises(BenchError, match=r"1 of 25 images cannot be read: /proc/self/mem cannot"):
        read(registry, path)
    assert len(read(registry, path, damaged="skip")[0]) == 4


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_refused(registry: Registry, tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "photos", many(4))
    (folder / "c00").chmod(0)
    try:
        with pytest.raises(BenchError, match=r"c00 cannot be read \(Permission denied\)"):
            read(registry, folder)
    finally:
        (folder / "c00").chmod(0o700)

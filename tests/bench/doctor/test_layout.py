"""Layouts: classes and splits by folders, zips and tables, and what is odd about them."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.dataset import DataFiles
from bench.doctor.diagnosis import diagnose
from bench.doctor.finding import Finding
from bench.errors import BenchError
from bench.registry import Registry
from bench.sources import choose

Found = Callable[..., dict[str, Finding]]
Names = Callable[[Finding], list[str]]


def quiet(done: int, total: int) -> None:
    """Shows no progress."""


def classes(path: Path, depth: int = 0) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for one in diagnose(path, quiet, depth=depth).images:
        sizes[one.placed.class_name] = sizes.get(one.placed.class_name, 0) + 1
    return sizes


def moved(folder: Path, **where: str) -> Path:
    for name, target in where.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).rename(folder / target)
    return folder


def test_split_folders_are_splits_and_a_missing_val_is_a_note(folder: Path, found: Found) -> None:
    for number in range(5):
        split = "Train" if number < 3 else "test"
        moved(folder, **{f"class{number}": f"{split}/class{number}"})
    assert diagnose(folder, quiet).splits == {"train": 18, "test": 12}
    findings = found(folder)
    assert set(findings) == {"no-val", "few-ways"}
    assert findings["no-val"].severity == "note"
    few = {one.name: one.detail for one in findings["few-ways"].affected}
    assert few == {"test": "2 classes", "train": "3 classes"}


def test_a_class_in_two_splits_is_an_error(folder: Path, found: Found, names: Names) -> None:
    for number in range(5):
        moved(folder, **{f"class{number}": f"train/class{number}"})
    shutil.copytree(folder / "train" / "class0", folder / "test" / "class0")
    findings = found(folder)
    assert findings["shared-class"].severity == "error"
    assert names(findings["shared-class"]) == ["class0"]
    assert findings["shared-class"].affected[0].detail == "6 in train, 6 in test"


def test_without_test_classes_there_is_an_error(folder: Path, found: Found, names: Names) -> None:
    for number in range(5):
        moved(folder, **{f"class{number}": f"train/class{number}"})
    (folder / "val").mkdir()
    assert names(found(folder)["empty-split"]) == ["test"]


def test_a_split_folder_beside_classes_is_an_error(folder: Path, found: Found) -> None:
    moved(folder, class0="train/class0")
    assert found(folder)["half-split"].severity == "error"


def test_an_image_beside_the_classes_is_left_out(folder: Path, found: Found, names: Names) -> None:
    moved(folder, **{"class0/00.png": "lost.png"})
    findings = found(folder, least=5)
    assert set(findings) == {"stray"}
    assert names(findings["stray"]) == ["lost.png"]
    assert findings["stray"].severity == "warning"


def test_images_in_no_folder_at_all_are_an_error(folder: Path, found: Found) -> None:
    assert found(folder / "class0")["stray"].severity == "error"


def test_folders_with_images_and_folders_are_an_error_unless_depth_says_which(
    folder: Path, found: Found, names: Names
) -> None:
    moved(folder, class1="class0/inner")
    findings = found(folder)
    assert findings["nested"].severity == "error"
    assert names(findings["nested"]) == ["class0"]
    assert "nested" not in found(folder, depth=1)
    assert classes(folder, depth=1)["class0"] == 12


def test_a_folder_around_everything_makes_no_difference(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "outer" / "one" / "two")
    assert classes(tmp_path / "outer") == classes(folder)


def test_a_zip_is_read_like_a_folder_and_its_unsafe_entries_are_errors(
    folder: Path, tmp_path: Path, found: Found, names: Names
) -> None:
    path = Path(shutil.make_archive(str(tmp_path / "all"), "zip", folder))
    assert classes(path) == classes(folder)
    assert found(path) == {}
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../outside.png", b"x")
    findings = found(path)
    assert names(findings["unsafe"]) == ["../outside.png"]
    assert findings["unsafe"].severity == "error"


def test_a_damaged_entry_of_a_zip_is_named(folder: Path, tmp_path: Path, found: Found) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for one in sorted(folder.rglob("*.png")):
            archive.write(one, one.relative_to(folder).as_posix())
    content = bytearray(path.read_bytes())
    place = content.find((folder / "class2" / "13.png").read_bytes())
    content[place + 2000] ^= 255
    path.write_bytes(content)
    finding = found(path)["unreadable"]
    assert [one.name for one in finding.affected] == ["class2/13.png"]
    assert "CRC" in finding.affected[0].detail


def test_a_table_says_classes_and_splits_and_its_missing_files_are_errors(
    folder: Path, found: Found, names: Names
) -> None:
    rows = [f"{one.relative_to(folder)},{one.parent.name},train" for one in folder.rglob("*.png")]
    path = folder / "list.csv"
    path.write_text("\n".join(["path,class,split", *rows, "class0/none.png,class0,train"]))
    findings = found(path)
    assert names(findings["missing"]) == ["class0/none.png"]
    assert findings["missing"].affected[0].detail == "row 32"
    assert names(findings["empty-split"]) == ["test"]
    assert diagnose(path, quiet).splits == {"train": 30}


def test_links_are_named_and_broken_ones_are_warnings(
    folder: Path, tmp_path: Path, found: Found, names: Names
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "class0" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    (folder / "class9").symlink_to(tmp_path / "elsewhere")
    (folder / "class0" / "zz.png").symlink_to(folder / "class0" / "00.png")
    findings = found(folder)
    assert names(findings["lost-link"]) == ["class0/broken.png", "class9"]
    assert findings["lost-link"].severity == "warning"
    assert names(findings["link"]) == ["class0/zz.png"]
    assert findings["link"].severity == "note"


def test_a_folder_that_may_not_be_read_is_an_error(
    folder: Path, found: Found, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "class0":
            raise PermissionError(13, "Permission denied")
        return look(path)

    monkeypatch.setattr(os, "scandir", refusing)
    findings = found(folder)
    assert findings["closed"].severity == "error"
    assert names(findings["closed"]) == ["class0"]


def test_nothing_to_look_at_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    for path, said in (("none", "there is no"), ("a.tar", "neither"), ("empty", "no images")):
        with pytest.raises(BenchError, match=said):
            diagnose(tmp_path / path, quiet)


@pytest.mark.parametrize(
    "arrangement",
    [
        {},
        {f"class{n}": f"outer/{'train' if n < 3 else 'test'}/class{n}" for n in range(5)},
        {"class0": "a/class0", "class1": "a/class1", "class2": "b/class2"},
        {"class0": "only/class0", "class1": "only/class1"},
        {"class0/00.png": "lost.png", "class0/01.png": "class0/01.unknown"},
    ],
    ids=["flat", "splits", "nested", "beside", "stray"],
)
def test_the_doctor_and_the_dataset_see_the_same_classes(
    folder: Path, registry: Registry, arrangement: dict[str, str]
) -> None:
    moved(folder, **arrangement)
    (folder / "notes.txt").write_text("x")
    chosen = choose(registry, f"folder:{folder}", {"least": 2})
    data = chosen.dataset(**chosen.parameters)
    taken = {one.name: len(one.inputs) for one in data.classes(DataFiles(folder))}
    assert classes(folder) == taken

"""Copies: the same image within a class, across classes and across splits."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from bench.doctor.finding import Finding

Photo = Callable[..., Image.Image]
Found = Callable[..., dict[str, Finding]]
Names = Callable[[Finding], list[str]]


def test_in_a_good_folder_nothing_is_found(folder: Path, found: Found) -> None:
    assert found(folder) == {}


def test_a_copy_within_a_class_is_a_warning(folder: Path, found: Found, names: Names) -> None:
    shutil.copy(folder / "class0" / "00.png", folder / "class0" / "zz.png")
    (finding,) = found(folder).values()
    assert (finding.kind, finding.severity, finding.count) == ("copy-within", "warning", 1)
    assert names(finding) == ["class0/00.png", "class0/zz.png"]
    assert finding.affected[1].detail == "the same file"


def test_a_copy_in_another_class_is_an_error(folder: Path, found: Found, names: Names) -> None:
    shutil.copy(folder / "class0" / "00.png", folder / "class3" / "zz.png")
    (finding,) = found(folder).values()
    assert (finding.kind, finding.severity) == ("copy-across-classes", "error")
    assert names(finding) == ["class0/00.png", "class3/zz.png"]


def test_the_same_pixels_in_another_format_are_the_same_image(folder: Path, found: Found) -> None:
    Image.open(folder / "class0" / "00.png").save(folder / "class0" / "zz.bmp")
    (finding,) = found(folder).values()
    assert finding.kind == "copy-within"
    assert finding.affected[1].detail == "the same pixels"


def in_splits(folder: Path) -> Path:
    for number in range(5):
        split = ("train", "train", "train", "val", "test")[number]
        (folder / split).mkdir(exist_ok=True)
        (folder / f"class{number}").rename(folder / split / f"class{number}")
    return folder


def test_a_copy_in_another_split_is_an_error(folder: Path, found: Found) -> None:
    shutil.copy(folder / "class0" / "00.png", folder / "class4" / "zz.png")
    findings = found(in_splits(folder))
    assert findings["copy-across-splits"].severity == "error"
    assert not any(kind.startswith("near") for kind in findings)


def test_near_duplicates_are_warnings_by_how_far_they_reach(
    folder: Path, found: Found, names: Names
) -> None:
    for source, target in (("0/00", "0/zz"), ("1/06", "2/zz"), ("2/12", "4/zz")):
        picture = Image.open(folder / f"class{source}.png")
        picture.save(folder / f"class{target}.jpg", quality=80)
    findings = found(in_splits(folder))
    assert {kind: names(one) for kind, one in findings.items() if kind.startswith("near")} == {
        "near-within": ["train/class0/00.png", "train/class0/zz.jpg"],
        "near-across-classes": ["train/class1/06.png", "train/class2/zz.jpg"],
        "near-across-splits": ["test/class4/zz.jpg", "train/class2/12.png"],
    }
    assert {findings[kind].severity for kind in findings if kind.startswith("near")} == {"warning"}


def test_an_exact_copy_is_not_told_again_as_a_near_one(folder: Path, found: Found) -> None:
    shutil.copy(folder / "class0" / "00.png", folder / "class0" / "zz.png")
    Image.open(folder / "class0" / "00.png").save(folder / "class0" / "yy.jpg", quality=80)
    findings = found(folder)
    assert findings["copy-within"].count == 1
    assert len(findings["near-within"].affected) == 2


def test_a_chain_of_near_duplicates_is_one_group(folder: Path, found: Found) -> None:
    source = Image.open(folder / "class0" / "00.png")
    for number, cut in enumerate((3, 6)):
        source.crop((cut, cut, 96 - cut, 96 - cut)).save(folder / "class0" / f"z{number}.png")
    finding = found(folder)["near-within"]
    assert finding.count == 1
    assert len(finding.affected) == 3

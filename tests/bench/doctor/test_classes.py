"""Classes, looks and names: what is unequal, too small, or easily mistaken."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.doctor.finding import Finding, readable

Photo = Callable[..., Image.Image]
Found = Callable[..., dict[str, Finding]]
Names = Callable[[Finding], list[str]]


def test_small_classes_are_named_smallest_first(folder: Path, found: Found) -> None:
    for name in ("class0/00.png", "class0/01.png", "class3/18.png"):
        (folder / name).unlink()
    finding = found(folder)["small-class"]
    assert finding.severity == "warning"
    assert [(one.name, one.detail) for one in finding.affected] == [
        ("class0", "4 images"),
        ("class3", "5 images"),
    ]
    assert "small-class" not in found(folder, least=4)


def test_fewer_classes_than_can_be_divided_are_an_error(folder: Path, found: Found) -> None:
    for one in (folder / "class4").iterdir():
        one.rename(folder / "class3" / f"x{one.name}")
    assert set(found(folder)) == {"few-ways"}
    for one in (folder / "class3").iterdir():
        one.rename(folder / "class2" / f"x{one.name}")
    assert found(folder)["few-classes"].severity == "error"


def test_one_class_that_dwarfs_another_is_a_note(folder: Path, found: Found, photo: Photo) -> None:
    for number in range(54):
        photo(100 + number).save(folder / "class0" / f"x{number}.png")
    assert set(found(folder)) == set()
    photo(99).save(folder / "class0" / "y.png")
    finding = found(folder)["unequal"]
    assert [one.detail for one in finding.affected] == ["6 images", "61 images"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Red apple", "red_apple"),
        ("caf\u00e9", "CAFE\u0301"),
        ("plum", "plum "),
        ("\ufb01g", "fig"),
    ],
)
def test_class_names_that_look_alike_are_a_warning(
    folder: Path, found: Found, names: Names, one: str, other: str
) -> None:
    (folder / "class0").rename(folder / one)
    (folder / "class1").rename(folder / other)
    finding = found(folder)["class-names"]
    assert finding.severity == "warning"
    assert finding.count == 1
    assert len(names(finding)) == 2


def test_numbered_and_unlike_names_are_told_apart(folder: Path, found: Found) -> None:
    (folder / "class0").rename(folder / "C++")
    (folder / "class1").rename(folder / "\u732b")
    assert "class-names" not in found(folder)


def test_sizes_proportions_and_small_images_are_notes(
    folder: Path, found: Found, photo: Photo, names: Names
) -> None:
    photo(98, 200, 100).save(folder / "class0" / "wide.png")
    photo(99, 83, 96).save(folder / "class0" / "small.png")
    findings = found(folder)
    assert set(findings) == {"sizes", "proportions", "small-image"}
    assert {one.name: one.detail for one in findings["sizes"].affected} == {
        "96x96": "30 images",
        "200x100": "1 image",
        "83x96": "1 image",
    }
    assert names(findings["proportions"]) == ["class0/small.png", "class0/wide.png"]
    assert names(findings["small-image"]) == ["class0/small.png"]


def test_modes_depths_animations_and_turned_images_are_notes(
    folder: Path, found: Found, photo: Photo, names: Names
) -> None:
    clear = photo(91).convert("RGBA")
    clear.putalpha(128)
    clear.save(folder / "class0" / "clear.png")
    photo(92).convert("CMYK").save(folder / "class0" / "print.tif")
    deep = np.asarray(photo(93).convert("L")).astype(np.uint16) * 257
    Image.fromarray(deep).save(folder / "class0" / "deep.png")
    frames = [photo(94), photo(95)]
    frames[0].save(folder / "class0" / "moving.gif", save_all=True, append_images=frames[1:])
    turned = photo(96, 120, 100)
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(folder / "class0" / "turned.jpg", exif=exif)
    findings = found(folder)
    for kind, name in (
        ("alpha", "clear.png"),
        ("cmyk", "print.tif"),
        ("deep", "deep.png"),
        ("animation", "moving.gif"),
        ("turned", "turned.jpg"),
        ("grey", "deep.png"),
    ):
        assert names(findings[kind]) == [f"class0/{name}"]
        assert findings[kind].severity == "note"
    assert findings["sizes"].affected[1].name == "100x120"


def test_a_class_that_is_grey_among_coloured_ones_is_a_warning(
    folder: Path, found: Found, names: Names
) -> None:
    for path in (folder / "class2").iterdir():
        Image.open(path).convert("L").save(path)
    findings = found(folder)
    assert findings["grey-class"].severity == "warning"
    assert names(findings["grey-class"]) == ["class2"]
    assert len(findings["grey"].affected) == 6


def test_a_set_without_colour_is_a_note(folder: Path, found: Found) -> None:
    for path in folder.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    assert set(found(folder)) == {"all-grey"}


@pytest.mark.parametrize("name", ["a:b.png", "con.png", "what?.png", "dot./x.png", "end /x.png"])
def test_names_that_other_systems_refuse_are_notes(
    folder: Path, found: Found, photo: Photo, name: str
) -> None:
    path = folder / "class0" / name
    path.parent.mkdir(exist_ok=True)
    photo(99).save(path)
    finding = found(folder, depth=1)["fragile-name"]
    assert finding.severity == "note"
    assert len(finding.affected) == 1


def test_names_that_differ_by_capitals_only_are_a_warning(
    folder: Path, found: Found, photo: Photo, names: Names
) -> None:
    photo(98).save(folder / "class0" / "a.png")
    photo(99).save(folder / "class0" / "A.png")
    finding = found(folder)["twin-names"]
    assert (finding.severity, finding.count) == ("warning", 1)
    assert names(finding) == ["class0/A.png", "class0/a.png"]


def test_a_name_that_is_no_text_is_printable_and_a_warning(
    folder: Path, found: Found, photo: Photo, names: Names
) -> None:
    broken = folder / "class0" / os.fsdecode(b"\xff.png")
    (folder / "class0" / "00.png").rename(broken)
    assert names(found(folder)["encoding"]) == ["class0/\\udcff.png"]


def test_control_characters_are_shown_as_their_codes() -> None:
    assert readable("a\nb\x1b[31m\udcff") == "a\\nb\\x1b[31m\\udcff"
    assert readable("K\u00e4se \u732b/\U0001f431.png") == "K\u00e4se \u732b/\U0001f431.png"

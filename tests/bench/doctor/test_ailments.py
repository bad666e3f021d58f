"""Ailments and strays: files that cannot be read, are no images, or are called otherwise."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bench.doctor.examination import examine
from bench.doctor.finding import Finding
from bench.doctor.inventory import take_inventory
from bench.doctor.layout import Placed

Photo = Callable[..., Image.Image]
Found = Callable[..., dict[str, Finding]]
Names = Callable[[Finding], list[str]]


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that claims to be of any size."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def jpeg(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (b"", "empty", "has no bytes"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "no-image", "a web page"),
        (b"%PDF-1.7 ...", "no-image", "a PDF document"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00", "no-image", "a HEIC photo"),
        (b"version https://git-lfs.github.com/spec/v1", "no-image", "a pointer of Git LFS"),
        (b"hello", "no-image", "of no known kind"),
        (b"\x89PNG\r\n\x1a\nxx", "damaged", "a PNG image with a broken beginning"),
        (bomb(11_000), "too-large", "11000x11000"),
        (bomb(60_000), "too-large", "3600000000"),
    ],
)
def test_a_file_that_cannot_be_decoded_is_an_error_that_says_what_it_is(
    folder: Path, found: Found, names: Names, content: bytes, kind: str, reason: str
) -> None:
    (folder / "class1" / "bad.jpg").write_bytes(content)
    (finding,) = found(folder).values()
    assert (finding.kind, finding.severity) == (kind, "error")
    assert names(finding) == ["class1/bad.jpg"]
    assert reason in finding.affected[0].detail


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_truncated_image_is_damaged(
    folder: Path, found: Found, photo: Photo, ending: str
) -> None:
    stream = io.BytesIO()
    photo(99).save(stream, {"jpg": "JPEG", "png": "PNG"}[ending])
    (folder / "class1" / f"bad.{ending}").write_bytes(stream.getvalue()[: stream.tell() // 2])
    (finding,) = found(folder).values()
    assert (finding.kind, finding.severity) == ("damaged", "error")


def test_a_file_that_may_not_be_read_is_named(folder: Path) -> None:
    def refused() -> bytes:
        raise PermissionError(13, "Permission denied")

    file = replace(take_inventory(folder).files[0], read=refused)
    one = examine(Placed(file, "class0", None))
    assert (one.look, one.ailment) == (None, "unreadable")
    assert "Permission denied" in one.reason


def test_an_image_of_another_format_than_its_ending_is_a_note(
    folder: Path, found: Found, photo: Photo
) -> None:
    photo(99).save(folder / "class0" / "a.jpg", "PNG")
    photo(98).save(folder / "class0" / "b", "PNG")
    photo(97).save(folder / "class0" / "c.jfif", "JPEG")
    (finding,) = found(folder).values()
    assert (finding.kind, finding.severity) == ("ending", "note")
    assert [(one.name, one.detail) for one in finding.affected] == [
        ("class0/a.jpg", "is PNG"),
        ("class0/b", "is PNG, without saying so"),
    ]


def test_hidden_files_and_other_files_are_notes(folder: Path, found: Found, names: Names) -> None:
    for name in (".DS_Store", "class0/._00.png", "__MACOSX/class0/00.png", "Thumbs.db", "a.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    findings = found(folder)
    assert {kind: sorted(names(one)) for kind, one in findings.items()} == {
        "hidden": [".DS_Store", "__MACOSX/class0/00.png", "class0/._00.png"],
        "passed-over": ["Thumbs.db", "a.txt"],
    }
    assert {one.severity for one in findings.values()} == {"note"}


def test_an_image_that_is_passed_over_for_its_name_is_a_warning(
    folder: Path, found: Found, names: Names
) -> None:
    shutil.copy(folder / "class0" / "00.png", folder / "class0" / ".hidden.png")
    shutil.copy(folder / "class0" / "01.png", folder / "class0" / "01.png.bak")
    (finding,) = found(folder).values()
    assert (finding.kind, finding.severity) == ("missed", "warning")
    assert names(finding) == ["class0/.hidden.png", "class0/01.png.bak"]

"""Bad data of one's own: one clear line each, exit code 4, and nothing is written anywhere."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.cli import run_command_line

Make = Callable[[Path], object]


def png(seed: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def classes(folder: Path, count: int = 12, each: int = 7, below: str = "") -> None:
    for number in range(count):
        own = folder / below / f"c{number:02}"
        own.mkdir(parents=True)
        for image in range(each):
            (own / f"{image}.png").write_bytes(png(100 * number + image))


def with_file(content: bytes, name: str = "c03/x.png") -> Make:
    """Sound classes and one more file."""

    def make(folder: Path) -> None:
        classes(folder)
        (folder / name).write_bytes(content)

    return make


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + zlib.crc32(kind + content).to_bytes(4)


BOMB = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(bytes(1000)))
    + chunk(b"IEND", b"")
)


def linked(target: str) -> Make:
    def make(folder: Path) -> None:
        classes(folder)
        (folder / "c03" / "x.png").symlink_to(target)

    return make


def shared(folder: Path) -> None:
    classes(folder, 4, below="train")
    classes(folder, 8, below="test")
    for path in (folder / "test").glob("c0[0-3]"):
        path.rename(path.with_name(f"t{path.name}"))


def zipped(entries: dict[str, bytes], link: str = "", keep: int | None = None) -> Make:
    """A zip of sound classes and of other entries, cut after `keep` bytes."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(84):
                archive.writestr(f"c{number // 7:02}/{number}.png", png(number))
            for name, content in entries.items():
                archive.writestr(name, content)
            if link:
                entry = zipfile.ZipInfo("c03/x.png")
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(entry, link)
        path.write_bytes(path.read_bytes()[:keep])

    return make


def table(text: str | bytes) -> Make:
    """A table beside sound classes; CLASSES stands for a row for each image."""

    def make(path: Path) -> None:
        classes(path.parent)
        images = sorted(path.parent.glob("c*/*.png"))
        rows = "".join(f"{p.relative_to(path.parent)},{p.parent.name}\n" for p in images)
        content = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(content.replace(b"ROWS", rows.encode()))

    return make


def nothing(folder: Path) -> None:
    folder.mkdir()


def encrypted(path: Path) -> None:
    zipped({})(path)
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        content[content.index(mark) + place] |= 1
    path.write_bytes(content)


JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"


def unplaced(folder: Path) -> None:
    folder.mkdir()
    (folder / "x.png").write_bytes(png(1))


CASES: dict[str, tuple[str, Make, str]] = {
    "an empty folder": (
        "photos",
        nothing,
        "has no images; name a folder with a folder for each class",
    ),
    "one class": (
        "photos",
        lambda f: classes(f, 1),
        "has one class, 'c00'; an episode takes two at least",
    ),
    "one image per class": (
        "photos",
        lambda f: classes(f, each=1),
        "fewer than 2 of the 12 classes of .* have 6 images",
    ),
    "images without a class": (
        "photos",
        unplaced,
        "has 1 image, such as x.png, but none within 1 folder",
    ),
    "a zero-byte file": (
        "photos",
        with_file(b""),
        r"1 of 85 images cannot be read: c03/x\.png is empty; bench data doctor",
    ),
    "a truncated PNG": (
        "photos",
        with_file(png(1)[:60]),
        r"c03/x\.png cannot be decoded \(image file is truncated\); bench data doctor",
    ),
    "a truncated JPEG": (
        "photos",
        with_file(JPEG),
        r"c03/x\.png begins as a JPEG image, but cannot be read",
    ),
    "a web page called an image": (
        "photos",
        with_file(b"<!DOCTYPE html><html></html>"),
        r"c03/x\.png is no image that Pillow reads, but a web page",
    ),
    "a drawing in SVG": (
        "photos",
        with_file(b"<svg></svg>", "c03/x.svg"),
        r"c03/x\.svg is no image that Pillow reads, but an SVG drawing",
    ),
    "an image of 60000x60000": (
        "photos",
        with_file(BOMB),
        r"c03/x\.png has 3600000000 pixels, more than the 100,000,000 that",
    ),
    "the same image in two splits": (
        "photos",
        shared,
        r"train/c00/0\.png .* and test/tc00/0\.png .* are the same file",
    ),
    "a link that leads out": (
        "photos",
        linked("/etc/hostname"),
        r"c03/x\.png is a link to /etc/hostname, outside the folder; copy",
    ),
    "a link to nothing": (
        "photos",
        linked("gone.png"),
        r"c03/x\.png is a link to .*gone\.png, which is not there; remove",
    ),
    "a link to itself": (
        "photos",
        linked("x.png"),
        r"c03/x\.png is a link to .*x\.png, which is not there; remove",
    ),
    "no such folder": (
        "photos",
        lambda f: None,
        "there is no file or folder .*photos; check the path",
    ),
    "a zip with ../": (
        "photos.zip",
        zipped({"../x.png": png(1)}),
        r"has an entry '\.\./x\.png', which leads out of it",
    ),
    "a zip with an absolute path": (
        "photos.zip",
        zipped({"/tmp/x.png": png(1)}),
        r"has an entry '/tmp/x\.png', which leads out of it",
    ),
    "a zip with a link": (
        "photos.zip",
        zipped({}, link="/etc/passwd"),
        r"c03/x\.png in .*photos\.zip is a link; put the file itself",
    ),
    "an encrypted zip": (
        "photos.zip",
        encrypted,
        r"c00/0\.png in .*photos\.zip is encrypted; unpack it",
    ),
    "a truncated zip": (
        "photos.zip",
        zipped({}, keep=4000),
        r"photos\.zip cannot be read as a zip file .* was not copied as a whole",
    ),
    "a text called a zip": (
        "photos.zip",
        lambda f: f.write_text("no zip") and None,
        r"photos\.zip cannot be read as a zip file",
    ),
    "an empty zip": (
        "photos.zip",
        lambda f: zipfile.ZipFile(f, "w").close(),
        r"photos\.zip has no images",
    ),
    "a tar": (
        "photos.tar",
        lambda f: f.write_bytes(bytes(10240)) and None,
        r"photos\.tar is neither a folder nor a zip file nor a table .*; unpack",
    ),
    "a table without the column class": (
        "list.csv",
        table("path,label\nROWS"),
        r"list\.csv has no column 'class'; rename .*; known: label, path",
    ),
    "a table without rows": ("list.csv", table("path,class\n"), r"list\.csv has no rows"),
    "an empty table": ("list.csv", table(""), r"list\.csv has no rows"),
    "a table in mixed encodings": (
        "list.csv",
        table(b"path,class\nROWSc00/\xc3\xa9.png,\xc3\xa9\nc00/\xfc.png,\xfc\n"),
        r"list\.csv is not in UTF-8: line 87 has a byte 0xfc",
    ),
    "a table with a field too many": (
        "list.csv",
        table("path,class\nc00/0.png,a,b\nROWS"),
        r"row 2 of .*list\.csv has 3 cells, but there are 2 columns",
    ),
    "a table of missing files": (
        "list.csv",
        table("path,class\nc00/99.png,c00\nROWS"),
        r"1 of 85 files that .*list\.csv names do not exist: c00/99\.png",
    ),
    "a table with a split that is none": (
        "list.csv",
        table("path,class,split\nc00/0.png,c00,trian\n"),
        "row 2 of .* has the split 'trian'; did you mean 'train'",
    ),
    "a table with a class in two splits": (
        "list.csv",
        table("path,class,split\nc00/0.png,c00,train\nc00/1.png,c00,test\n"),
        r"has class 'c00' in train \(row 2\) and in test \(row 3\)",
    ),
    "a table with a null byte": (
        "list.csv",
        table("path,class\nc00/\0.png,c00\nROWS"),
        r"list\.csv is no table: line 2 has a zero byte",
    ),
    "a table that is a picture": (
        "list.csv",
        table(png(1)),
        r"list\.csv is not in UTF-8: line 1 has a byte 0x89",
    ),
}


def ran(tmp_path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line of a run that is refused."""
    out = tmp_path / "results"
    command = ["run", "--algo", "pixels", "--ways", "2", "--queries", "2", "--episodes", "2"]
    assert run_command_line([*command, *arguments, "--out", str(out)]) == 4
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert printed.out == ""
    assert len(lines) == 1, printed.err
    assert lines[0].startswith("bench: ")
    assert not out.exists()
    return lines[0].removeprefix("bench: ")


@pytest.mark.parametrize("name", CASES)
def test_bad_data_get_one_line_and_nothing_is_written(
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    file, make, expected = CASES[name]
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / file
    make(path)
    before = sorted(tmp_path.rglob("*"))
    line = ran(tmp_path, capsys, "--data", f"folder:{path}")
    assert re.search(expected, line)
    after = [p for p in tmp_path.rglob("*") if p.suffix != ".lock"]
    assert sorted(p for p in after if not p.is_relative_to(tmp_path / "cache")) == before
    assert [p for p in (tmp_path / "cache").rglob("*.*") if p.suffix != ".lock"] == []


SPLITS = {
    "a class that is missing": ("class,split\nc00,train\nc99,test\n", "names class 'c99'; did you"),
    "classes without a split": ("class,split\nc00,train\nc01,test\n", "has no split for"),
    "another column": ("klass,split\nc00,train\n", "no column 'class'"),
    "a split that is none": ("class,split\nc00,training\n", "has the split 'training'"),
    "a class twice": ("class,split\nc00,train\nc00,test\n", "c00"),
}


@pytest.mark.parametrize("name", SPLITS)
def test_bad_split_files_get_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, expected = SPLITS[name]
    classes(tmp_path / "photos")
    (tmp_path / "splits.csv").write_text(text)
    own = ["--data", f"folder:{tmp_path / 'photos'}", "--set", f"data.splits={tmp_path}/splits.csv"]
    line = ran(tmp_path, capsys, *own)
    assert "splits.csv" in line and expected in line


def test_a_cache_that_cannot_be_written_gets_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file" / "cache"))
    classes(tmp_path / "photos")
    line = ran(tmp_path, capsys, "--data", f"folder:{tmp_path / 'photos'}")
    assert line.startswith("cannot write the cache folder")
    assert line.endswith("set BENCH_CACHE to another folder")

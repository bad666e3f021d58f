"""Archives that lead out, lie or are damaged are refused, and leave nothing behind."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import bench.archives
from bench.archives import unpack
from tests.bench.archive_files import (
    FILES,
    KINDS,
    Write,
    assert_refused,
    content_of,
    every_kind,
    write_tar,
    write_zip,
    zip_and_tar,
)


@zip_and_tar
@pytest.mark.parametrize(
    "name",
    [
        *("../out", "a/../../out", "/tmp/out", "..", "C:/out", "C:\\out", "..\\out", "a\\..\\out"),
        *("\\\\server\\share\\out", "//server/share/out"),
    ],
)
def test_an_entry_that_leads_out_is_refused(name: str, write: Write, tmp_path: Path) -> None:
    write(tmp_path / "x", {"fine": b"1", name: b"2"})
    assert_refused(tmp_path / "x", name.replace("\\", "/"), "leads out of it")


@pytest.mark.parametrize(
    ("kind", "to"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.SYMTYPE, "fine"),
        (tarfile.LNKTYPE, "fine"),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.FIFOTYPE, ""),
        (tarfile.GNUTYPE_SPARSE, ""),
    ],
)
def test_a_tar_with_a_link_or_a_device_is_refused(kind: bytes, to: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x", "w") as archive:
        archive.addfile(tarfile.TarInfo("fine"))
        info = tarfile.TarInfo("bad")
        info.type, info.linkname = kind, to
        archive.addfile(info)
    assert_refused(tmp_path / "x", "'bad'", "a link, a device or the like")


def test_a_tar_cannot_write_through_a_link_that_it_brings(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    with tarfile.open(tmp_path / "x", "w") as archive:
        link = tarfile.TarInfo("way")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "outside")
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("way/file"))
    assert_refused(tmp_path / "x", "'way'")
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("mode", [0o120777, 0o010644, 0o020644])
def test_a_zip_with_a_link_or_a_device_is_refused(mode: int, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("bad")
    info.create_system, info.external_attr = 3, mode << 16
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert_refused(tmp_path / "x", "'bad'", "a link, a device or the like")


@zip_and_tar
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_in_the_place_of_another_is_refused(write: Write, tmp_path: Path) -> None:
    write(tmp_path / "x", {"a/b": b"1", "a//b": b"2"})
    assert_refused(tmp_path / "x", "'a/b'", "whose place another entry has taken")
    write(tmp_path / "y", {"a": b"1", "a/b": b"2"})
    assert_refused(tmp_path / "y", "'a/b'", "whose place another entry has taken")
    write(tmp_path / "z", {"a/b": b"1", "a": b"2"})
    assert_refused(tmp_path / "z", "'a'", "whose place another entry has taken")


@zip_and_tar
def test_names_that_differ_in_capitals_both_come_out_or_are_refused_as_the_disk_can(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "probe").write_bytes(b"")
    write(tmp_path / "x", {"name": b"1", "NAME": b"2"})
    if (tmp_path / "PROBE").exists():
        assert_refused(tmp_path / "x", "whose place another entry has taken")
    else:
        found = content_of(unpack(tmp_path / "x", tmp_path / "target"))
        assert found == {"name": b"1", "NAME": b"2"}


def test_a_tar_without_a_name_is_refused(tmp_path: Path) -> None:
    write_tar(tmp_path / "x", {".": b"1"})
    assert_refused(tmp_path / "x", "no name of a file")


def test_a_name_that_is_too_long_for_a_disk_is_an_error_of_the_disk(tmp_path: Path) -> None:
    write_tar(tmp_path / "x", {"n" * 5000: b"1"})
    with pytest.raises(OSError, match="too long"):
        unpack(tmp_path / "x", tmp_path / "target")
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / "x", {"a": b"1"})
    raw = bytearray((tmp_path / "x").read_bytes())
    for magic, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        raw[raw.index(magic) + place] |= 1
    (tmp_path / "x").write_bytes(raw)
    assert_refused(tmp_path / "x", "'a'", "is encrypted")


@pytest.mark.parametrize("kind", ["zip", "gz", "bz2", "xz"])
def test_a_bomb_is_refused_before_it_fills_the_disk(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.archives, "ALWAYS_FINE", 1_000_000)
    monkeypatch.setattr(bench.archives, "MOST_TIMES", 20)
    KINDS[kind](tmp_path / "x", {f"{number}": bytes(600_000) for number in range(4)})
    assert_refused(tmp_path / "x", "unpacks to more than 1 MB, too much for its size")


def test_a_bomb_that_is_one_compressed_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.archives, "ALWAYS_FINE", 1_000_000)
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes(10_000_000)))
    monkeypatch.setattr(bench.archives, "MOST_TIMES", 20)
    assert_refused(tmp_path / "x.gz", "too much for its size")


@zip_and_tar
def test_too_many_entries_are_refused(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.archives, "MOST_ENTRIES", 3)
    write(tmp_path / "x", FILES)
    assert_refused(tmp_path / "x", "more than 3 entries")


@every_kind
def test_an_archive_that_was_cut_off_is_told_as_damaged(write: Write, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(100_000)
    write(tmp_path / "x", {"a": noise, "b": noise[::-1]})
    raw = (tmp_path / "x").read_bytes()
    for part in (len(raw) // 3, len(raw) * 2 // 3):
        (tmp_path / "x").write_bytes(raw[:part])
        assert_refused(tmp_path / "x", "is damaged", "get it again")


def test_a_tar_with_a_damaged_header_is_told_and_not_taken_for_a_shorter_one(
    tmp_path: Path,
) -> None:
    """The header of the second file begins with the third block of 512 bytes."""
    write_tar(tmp_path / "x", {"a": b"1" * 512, "b": b"2", "c": b"3"})
    raw = bytearray((tmp_path / "x").read_bytes())
    (tmp_path / "x").write_bytes(raw[: 2 * 512 + 100])
    assert_refused(tmp_path / "x", "is damaged")
    raw[2 * 512 + 10] ^= 255
    (tmp_path / "x").write_bytes(raw)
    assert_refused(tmp_path / "x", "is damaged")


@pytest.mark.parametrize(
    "flip", ["zip", "gz", "bz2", "xz"], ids=lambda kind: f"one-bit-flipped-in-a-{kind}"
)
def test_a_flipped_bit_in_compressed_content_is_noticed(flip: str, tmp_path: Path) -> None:
    KINDS[flip](tmp_path / "x", {"a": np.random.default_rng(0).bytes(100_000)})
    raw = bytearray((tmp_path / "x").read_bytes())
    raw[len(raw) // 2] ^= 4
    (tmp_path / "x").write_bytes(raw)
    assert_refused(tmp_path / "x", "is damaged")


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x89PNG\r\n" + bytes(600), b"Rar!"])
def test_what_is_no_archive_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    assert_refused(tmp_path / "x", "is no zip, no tar and no compressed file")


@zip_and_tar
def test_an_archive_without_files_is_told(write: Write, tmp_path: Path) -> None:
    write(tmp_path / "x.tar", {})
    assert_refused(tmp_path / "x.tar", "is empty")


def test_an_archive_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert_refused(tmp_path / "absent.zip", "No such file")


def test_a_disk_that_is_full_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write_zip(tmp_path / "x", FILES)
    monkeypatch.setattr(bench.archives, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(tmp_path / "x", tmp_path / "target")
    assert [p.name for p in tmp_path.iterdir()] == ["x"]

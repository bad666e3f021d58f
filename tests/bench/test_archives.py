"""Archives: what is in them comes out, whole or not at all, and nothing comes out elsewhere."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import signal
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bench.archives
from bench.archives import entries, tar_entries, unpack
from bench.errors import BenchError

FILES = {"a.txt": b"one", "b/c.txt": b"two", "b/d/Ünïcode ß.txt": b"three", "b/empty": b""}


def write_zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def write_tar(path: Path, files: dict[str, bytes], compression: str = "") -> None:
    with tarfile.open(path, f"w:{compression}") as archive:  # type: ignore[call-overload]  # str
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


Write = Callable[[Path, dict[str, bytes]], None]
KINDS: dict[str, Write] = {
    "zip": write_zip,
    "tar": write_tar,
    "gz": lambda path, files: write_tar(path, files, "gz"),
    "bz2": lambda path, files: write_tar(path, files, "bz2"),
    "xz": lambda path, files: write_tar(path, files, "xz"),
}
every_kind = pytest.mark.parametrize("write", KINDS.values(), ids=KINDS)
zip_and_tar = pytest.mark.parametrize("write", [write_zip, write_tar])


def content_of(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def assert_refused(archive: Path, *words: str) -> None:
    """Asserts that it is not unpacked, that one line says why, and that nothing was left."""
    around = archive.parent
    before = sorted(around.rglob("*"))
    with pytest.raises(BenchError) as caught:
        unpack(archive, around / "target")
    for word in (str(archive), *words):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(around.rglob("*")) == before


@every_kind
def test_all_files_come_out_under_their_names(write: Write, tmp_path: Path) -> None:
    archive = tmp_path / "x.archive"
    write(archive, FILES)
    assert unpack(archive, tmp_path / "new" / "target") == tmp_path / "new" / "target"
    assert content_of(tmp_path / "new" / "target") == FILES
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["target"]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_file_that_is_no_archive_comes_out_alone(
    compress: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    (tmp_path / "images-ubyte.gz").write_bytes(compress(b"content" * 200))
    unpack(tmp_path / "images-ubyte.gz", tmp_path / "target")
    assert content_of(tmp_path / "target") == {"images-ubyte": b"content" * 200}


@every_kind
def test_the_only_folder_is_left_out_if_it_has_the_name_of_the_target(
    write: Write, tmp_path: Path
) -> None:
    write(tmp_path / "x", {"data/a": b"1", "data/b/c": b"2"})
    assert content_of(unpack(tmp_path / "x", tmp_path / "data")) == {"a": b"1", "b/c": b"2"}
    both = {"data/a": b"1", "data/b/c": b"2"}
    assert content_of(unpack(tmp_path / "x", tmp_path / "other")) == both
    write(tmp_path / "y", {"more/a": b"1", "read me": b"2"})
    both = {"more/a": b"1", "read me": b"2"}
    assert content_of(unpack(tmp_path / "y", tmp_path / "more")) == both


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "mine").write_bytes(b"x")
    unpack(tmp_path / "absent.zip", tmp_path / "target")
    assert content_of(tmp_path / "target") == {"mine": b"x"}


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    write_zip(tmp_path / "x.zip", FILES)
    assert content_of(unpack(tmp_path / "x.zip", tmp_path / "target")) == FILES


def test_folders_and_what_macs_add_make_no_files(tmp_path: Path) -> None:
    write_zip(tmp_path / "x", {"target/": b"", "target/a": b"1", "__MACOSX/target/._a": b"2"})
    assert content_of(unpack(tmp_path / "x", tmp_path / "target")) == {"a": b"1"}
    with tarfile.open(tmp_path / "y", "w") as archive:
        for name, kind in (("./", tarfile.DIRTYPE), ("./d", tarfile.DIRTYPE)):
            info = tarfile.TarInfo(name)
            info.type = kind
            archive.addfile(info)
        archive.addfile(tarfile.TarInfo("./d/a"))
    assert content_of(unpack(tmp_path / "y", tmp_path / "other")) == {"d/a": b""}


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


def raw_tar(name: bytes) -> bytes:
    """Returns a tar of one empty file whose name has these bytes."""
    header = bytearray(tarfile.TarInfo("x" * len(name)).tobuf(tarfile.USTAR_FORMAT))
    header[: len(name)] = name
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + bytes(1024)


def test_names_in_a_tar_are_utf8_or_else_latin_1(tmp_path: Path) -> None:
    for number, raw in enumerate(("grün".encode(), "grün".encode("latin-1"))):
        (tmp_path / f"{number}.tar").write_bytes(raw_tar(raw))
        target = unpack(tmp_path / f"{number}.tar", tmp_path / f"out{number}")
        assert content_of(target) == {"grün": b""}


def test_names_in_a_zip_that_does_not_say_so_are_utf8_if_they_can_be(tmp_path: Path) -> None:
    """The flag for UTF-8 is bit 11 of the general purpose flags, at bytes 6 and 8."""
    for number, name in enumerate(("grün".encode(), b"gr" + b"\x81" + b"n")):
        with zipfile.ZipFile(tmp_path / "x", "w") as archive:
            archive.writestr("n" * len(name), b"")
        raw = (tmp_path / "x").read_bytes().replace(b"n" * len(name), name)
        (tmp_path / "x").write_bytes(raw)
        target = unpack(tmp_path / "x", tmp_path / f"out{number}")
        assert content_of(target) == {"grün": b""}  # 0x81 is ü in code page 437


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


def test_what_compresses_well_but_is_no_bomb_comes_out(tmp_path: Path) -> None:
    """A blank picture of 4 megabytes becomes 4 kilobytes."""
    write_zip(tmp_path / "x", {"blank": bytes(4_000_000)})
    assert content_of(unpack(tmp_path / "x", tmp_path / "out")) == {"blank": bytes(4_000_000)}


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


def test_several_at_once_unpack_once(tmp_path: Path) -> None:
    write_zip(tmp_path / "x", {f"{number}": b"content" for number in range(300)})
    found: list[int] = []

    def one() -> None:
        found.append(len(content_of(unpack(tmp_path / "x", tmp_path / "target"))))

    threads = [threading.Thread(target=one) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [300] * 5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["target", "x"]


UNPACK = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    import bench.archives
    real = bench.archives._write
    def slow(entry, folder, archive):
        real(entry, folder, archive)
        time.sleep(0.05)
    bench.archives._write = slow
    bench.archives.unpack(Path(sys.argv[1]), Path(sys.argv[2]))
    """
)


def test_a_process_that_is_killed_leaves_no_folder_and_the_next_unpacks_all(tmp_path: Path) -> None:
    files = {f"{number}": b"content" for number in range(200)}
    write_zip(tmp_path / "x", files)
    command = [sys.executable, "-c", UNPACK, str(tmp_path / "x"), str(tmp_path / "target")]
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.glob(".target.draft/*"))) < 3:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "target").exists()
    assert content_of(unpack(tmp_path / "x", tmp_path / "target")) == files
    assert sorted(p.name for p in tmp_path.iterdir()) == ["target", "x"]


@every_kind
def test_entries_can_be_read_without_unpacking(write: Write, tmp_path: Path) -> None:
    write(tmp_path / "x", FILES)
    found = {entry.name: (entry.size, entry.file.read()) for entry in entries(tmp_path / "x")}
    assert found == {name: (len(content), content) for name, content in FILES.items()}


@every_kind
def test_a_tar_within_an_archive_can_be_read_on_the_way(write: Write, tmp_path: Path) -> None:
    for name in ("n01", "n02"):
        write_tar(tmp_path / f"{name}.tar", {f"{name}_1.jpg": b"1", f"{name}_2.jpg": b"22"})
    inner = {name: (tmp_path / name).read_bytes() for name in ("n01.tar", "n02.tar")}
    write(tmp_path / "x", inner)
    found = [
        (outer.name, one.name, one.file.read())
        for outer in entries(tmp_path / "x")
        for one in tar_entries(outer.file, tmp_path / "x" / outer.name)
    ]
    assert found == [
        ("n01.tar", "n01_1.jpg", b"1"),
        ("n01.tar", "n01_2.jpg", b"22"),
        ("n02.tar", "n02_1.jpg", b"1"),
        ("n02.tar", "n02_2.jpg", b"22"),
    ]

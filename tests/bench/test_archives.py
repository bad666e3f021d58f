"""Archives: what is in them comes out, whole or not at all, and nothing comes out elsewhere."""

from __future__ import annotations

import bz2
import gzip
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

import pytest

from bench.archives import entries, tar_entries, unpack
from tests.bench.archive_files import (
    FILES,
    Write,
    content_of,
    every_kind,
    write_tar,
    write_zip,
)


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


def test_what_compresses_well_but_is_no_bomb_comes_out(tmp_path: Path) -> None:
    """A blank picture of 4 megabytes becomes 4 kilobytes."""
    write_zip(tmp_path / "x", {"blank": bytes(4_000_000)})
    assert content_of(unpack(tmp_path / "x", tmp_path / "out")) == {"blank": bytes(4_000_000)}


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

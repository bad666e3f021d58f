"""File trees: what is in a folder or zip, and nothing outside of it."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import tracemalloc
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.filetree import open_tree


def written(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def zipped(path: Path, entries: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.filename = name  # as it is: ZipInfo itself mends some names
            archive.writestr(entry, content, kind)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two files, beside which there is a secret."""
    written(tmp_path / "secret" / "key.png", b"secret")
    written(tmp_path / "tree" / "b" / "2.png", b"two")
    written(tmp_path / "tree" / "a" / "1.png", b"one")
    return tmp_path / "tree"


def test_files_are_named_from_the_folder_sorted_and_hidden_ones_left_out(folder: Path) -> None:
    for hidden in (".git/1.png", "a/.DS_Store", "__MACOSX/a/1.png", "b/.x/y.png"):
        written(folder / hidden)
    tree = open_tree(folder)
    assert tree.names == ("a/1.png", "b/2.png")
    assert tree.read("b/2.png") == b"two"
    assert tree.below("b").names == ("2.png",)
    assert tree.below("b/").read("2.png") == b"two"
    with pytest.raises(BenchError, match=r"tree has no file a/2\.png"):
        tree.read("a/2.png")


def test_a_link_to_a_file_inside_is_followed(folder: Path) -> None:
    (folder / "b" / "again.png").symlink_to(folder / "a" / "1.png")
    (folder / "b" / "relative.png").symlink_to("../a/1.png")
    tree = open_tree(folder)
    assert tree.names == ("a/1.png", "b/2.png", "b/again.png", "b/relative.png")
    assert tree.read("b/relative.png") == b"one"


def test_links_to_folders_inside_and_round_in_circles_are_passed_over(folder: Path) -> None:
    (folder / "a" / "round").symlink_to(folder)
    (folder / "a" / "self").symlink_to(".")
    (folder / "b" / "other").symlink_to("../a")
    assert open_tree(folder).names == ("a/1.png", "b/2.png")


@pytest.mark.parametrize("target", ["../../secret/key.png", "../../secret", "../..", "/"])
def test_a_link_that_leads_out_is_refused_with_its_name(folder: Path, target: str) -> None:
    (folder / "a" / "out").symlink_to(target)
    with pytest.raises(BenchError, match=r"a/out is a link to /\S*, outside the folder; copy"):
        open_tree(folder)


def test_a_link_by_way_of_a_link_that_leads_out_is_refused(folder: Path) -> None:
    (folder / "a" / ".hidden").symlink_to("../../secret")
    (folder / "a" / "out.png").symlink_to(".hidden/key.png")
    with pytest.raises(BenchError, match=r"out\.png is a link to .*key\.png, outside the folder"):
        open_tree(folder)


@pytest.mark.parametrize("target", ["gone.png", "loop.png"])
def test_a_link_to_nothing_or_to_itself_is_refused(folder: Path, target: str) -> None:
    (folder / "a" / "loop.png").symlink_to(target)
    with pytest.raises(BenchError, match=r"loop\.png is a link to \S+, which is not there"):
        open_tree(folder)


def test_a_folder_that_is_itself_given_by_a_link_is_opened(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    (folder / "b" / "again.png").symlink_to("../a/1.png")
    assert open_tree(link).names == ("a/1.png", "b/2.png", "b/again.png")


def test_pipes_are_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "a" / "pipe.png")
    assert open_tree(folder).names == ("a/1.png", "b/2.png")


def test_a_folder_that_may_not_be_read_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def as_nobody(path: str) -> Iterator[os.DirEntry[str]]:
        if path.endswith("b"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr("os.scandir", as_nobody)
    with pytest.raises(BenchError, match=r"tree/b cannot be read \(Permission denied\)"):
        open_tree(folder)


def test_a_file_that_vanishes_is_named(folder: Path) -> None:
    tree = open_tree(folder)
    (folder / "a" / "1.png").unlink()
    with pytest.raises(BenchError, match=r"1\.png cannot be read \(No such file or directory\)"):
        tree.read("a/1.png")


def test_names_that_are_not_utf_8_can_be_read(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder / "a") + b"/caf\xe9.png")).write_bytes(b"coffee")
    tree = open_tree(folder)
    assert tree.names == ("a/1.png", "a/caf\udce9.png", "b/2.png")
    assert tree.read("a/caf\udce9.png") == b"coffee"


def test_folders_nested_deeper_than_python_recurses_are_walked(tmp_path: Path) -> None:
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=place)
        inner = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(os.open("1.png", os.O_CREAT | os.O_WRONLY, dir_fd=place))
    os.close(place)
    try:
        assert open_tree(tmp_path).names == ("d/" * 1200 + "1.png",)
    finally:  # for pytest sweeps up by recursion
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"there is no folder or zip file .*nowhere"):
        open_tree(tmp_path / "nowhere")


def test_a_zip_gives_what_a_folder_does(tmp_path: Path) -> None:
    entries = {"b/2.png": b"two", "a/1.png": b"one", "a/": b"", ".x/3.png": b"", "__MACOSX/1": b""}
    tree = open_tree(zipped(tmp_path / "tree.zip", entries))
    assert tree.names == ("a/1.png", "b/2.png")
    assert [tree.read(name) for name in tree.names] == [b"one", b"two"]


def test_names_with_backslashes_dots_and_double_slashes_are_read_as_paths(tmp_path: Path) -> None:
    entries = {"a\\1.png": b"one", "./b/2.png": b"two", "c//3.png": b"three", "d\\": b""}
    tree = open_tree(zipped(tmp_path / "tree.zip", entries))
    assert tree.names == ("a/1.png", "b/2.png", "c/3.png")
    assert tree.read("a/1.png") == b"one"


@pytest.mark.parametrize(
    "name",
    [
        "../evil.png",
        "a/../../evil.png",
        "/etc/evil.png",
        "C:/evil.png",
        "C:\\evil.png",
        "..\\x.png",
    ],
)
def test_an_entry_that_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "tree.zip", {"a/1.png": b"one", name: b"evil"})
    with pytest.raises(BenchError, match=r"has an entry '.*', which leads out of it"):
        open_tree(path)
    assert [p.name for p in tmp_path.iterdir()] == ["tree.zip"]


def test_an_entry_that_is_a_link_is_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("a/link.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "tree.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(BenchError, match=r"a/link\.png in .* is a link; put the file itself"):
        open_tree(tmp_path / "tree.zip")


@pytest.mark.parametrize("twin", ["a/1.png", "a\\1.png", "./a/1.png"])
def test_two_entries_of_one_name_are_refused(twin: str, tmp_path: Path) -> None:
    path = tmp_path / "tree.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a/1.png", twin):
            entry = zipfile.ZipInfo("x")
            entry.filename = name
            archive.NameToInfo.clear()  # else zipfile warns
            archive.writestr(entry, b"x")
    with pytest.raises(BenchError, match=r"has a/1\.png twice"):
        open_tree(path)


def patched(path: Path, central: int, local: int, field: bytes) -> Path:
    """The zip with a field of its first entry replaced, in both of its headers."""
    content = bytearray(path.read_bytes())
    for place in (content.index(b"PK\1\2") + central, content.index(b"PK\3\4") + local):
        content[place : place + len(field)] = field
    path.write_bytes(content)
    return path


def test_an_encrypted_entry_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "tree.zip", {"a/1.png": b"one"})
    with pytest.raises(BenchError, match=r"a/1\.png in .* is encrypted; unpack it"):
        open_tree(patched(path, 8, 6, struct.pack("<H", 1)))


@pytest.mark.parametrize("method", [9, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 93, 99])
def test_a_compression_that_is_unknown_or_without_bounds_is_refused(
    method: int, tmp_path: Path
) -> None:
    """Of bzip2, four kilobytes can hold four gigabytes, which zipfile unpacks at once."""
    path = zipped(tmp_path / "tree.zip", {"a/1.png": b"one"})
    with pytest.raises(
        BenchError, match=rf"1\.png in .* an unusual way \(method {method}\); unpack"
    ):
        open_tree(patched(path, 10, 8, struct.pack("<H", method)))


def test_an_entry_that_says_it_is_too_large_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "tree.zip", {"a/1.png": b"one"})
    with pytest.raises(BenchError, match=r"a/1\.png in .* has 2,147,483,648 bytes; that is too"):
        open_tree(patched(path, 24, 22, struct.pack("<I", 1 << 31)))


def test_a_bomb_that_says_it_is_small_is_not_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "tree.zip", {"a/1.png": bytes(100_000_000)})
    tree = open_tree(patched(path, 24, 22, struct.pack("<I", 1000)))
    tracemalloc.start()
    try:
        with pytest.raises(BenchError, match=r"a/1\.png in .* (cannot be read|is not as long)"):
            tree.read("a/1.png")
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_changed_bytes_are_found_when_they_are_read(kind: int, tmp_path: Path) -> None:
    path = zipped(tmp_path / "tree.zip", {"a/1.png": b"0123456789" * 20}, kind)
    content = bytearray(path.read_bytes())
    content[content.index(b"a/1.png") + 7 + 12] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(BenchError, match=r"a/1\.png in .* cannot be read \(.+\)"):
        open_tree(path).read("a/1.png")


@pytest.mark.parametrize("keep", [0, 10, 100, -1, -30])
def test_a_truncated_zip_is_refused(keep: int, tmp_path: Path) -> None:
    path = zipped(tmp_path / "tree.zip", {f"a/{n}.png": bytes(99) for n in range(5)})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BenchError, match=r"tree\.zip cannot be read as a zip file .*not copied"):
        open_tree(path)


def test_a_name_that_is_not_the_unicode_it_says_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "tree.zip", {"\N{SNOWMAN}.png": b""})
    content = path.read_bytes().replace("\N{SNOWMAN}".encode(), b"\xff\xff\xff")
    path.write_bytes(content)
    with pytest.raises(BenchError, match=r"tree\.zip cannot be read as a zip file"):
        open_tree(path)


def test_several_threads_read_one_zip(tmp_path: Path) -> None:
    entries = {f"a/{n:03}.png": bytes([n]) * (1000 + n) for n in range(200)}
    tree = open_tree(zipped(tmp_path / "tree.zip", entries))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(tree.read, tree.names)) == list(entries.values())


def test_ten_thousand_files_are_found(tmp_path: Path) -> None:
    names = [f"class{n % 100:02}/{n:05}.png" for n in range(10_000)]
    for number in range(100):
        (tmp_path / f"class{number:02}").mkdir()
    for name in names:
        os.close(os.open(tmp_path / name, os.O_CREAT | os.O_WRONLY))
    assert open_tree(tmp_path).names == tuple(sorted(names))

"""Downloads: from one mirror or the next, checked, unpacked, once; else one line that helps."""

from __future__ import annotations

import io
import os
import stat
import threading
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from bench.downloads import Download, obtain
from bench.errors import BenchError
from tests.bench.downloaded import CONTENT, OTHER, files_below, md5, of, sha256
from tests.bench.file_server import FileServer, Served, file_server


@pytest.mark.parametrize("digest", [md5(CONTENT), sha256(CONTENT), ""])
def test_a_file_is_fetched_to_its_place_and_nothing_else_is_left(
    digest: str, server: FileServer, tmp_path: Path
) -> None:
    url = server.serve("/a", Served(CONTENT))
    found = obtain(tmp_path / "new", Download("set/data.bin", (url,), digest), allowed=True)
    assert found == tmp_path / "new" / "set" / "data.bin"
    assert found.read_bytes() == CONTENT
    assert [p.name for p in found.parent.iterdir()] == ["data.bin"]


def test_what_is_there_is_taken_without_a_visit(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "data.bin").write_bytes(b"mine")
    url = server.serve("/a", Served(CONTENT))
    assert obtain(tmp_path, of(url), allowed=True).read_bytes() == b"mine"
    assert server.visits == []


def test_mirrors_are_asked_in_order_until_one_gives_the_file(
    server: FileServer, tmp_path: Path
) -> None:
    urls = (f"{server.url}/gone", server.serve("/other", Served(OTHER)))
    third = server.serve("/a", Served(CONTENT))
    assert obtain(tmp_path, of(*urls, third), allowed=True).read_bytes() == CONTENT
    assert [visit.path for visit in server.visits] == ["/gone", "/other", "/a"]


def test_if_none_gives_it_all_reasons_are_told_in_one_line(
    server: FileServer, tmp_path: Path
) -> None:
    urls = (f"{server.url}/gone", server.serve("/other", Served(OTHER)))
    with pytest.raises(BenchError) as caught:
        obtain(tmp_path / "new", of(*urls), allowed=True)
    message = str(caught.value)
    host = server.url.removeprefix("http://")
    assert f"{host}: the server answers 404 Not Found" in message
    assert f"gave another file (hash {md5(OTHER)[4:16]}, not {md5(CONTENT)[4:16]})" in message
    assert f"get it from {urls[0]}" in message and "--data-root" in message
    assert str(tmp_path / "new" / "set" / "data.bin") in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []  # the wrong file is gone, and the folders made for it


def test_where_nobody_listens_that_is_said(server: FileServer, tmp_path: Path) -> None:
    with file_server() as closed:
        url = f"{closed.url}/a"
    with pytest.raises(BenchError, match="the server cannot be reached"):
        obtain(tmp_path, of(url), allowed=True)


def test_offline_one_line_says_what_to_put_where(server: FileServer, tmp_path: Path) -> None:
    url = "http://no-such-host.invalid/a"
    with pytest.raises(BenchError, match="is this machine offline") as caught:
        obtain(tmp_path, of(url), allowed=True)
    assert f"get it from {url} and put it there" in str(caught.value)


def test_where_downloading_is_off_one_line_says_what_to_put_where(tmp_path: Path) -> None:
    url = "https://example.org/a"
    with pytest.raises(BenchError, match="downloading is switched off") as caught:
        obtain(tmp_path, of(url), allowed=False)
    assert f"get it from {url} and put it there" in str(caught.value)
    assert str(tmp_path / "set" / "data.bin") in str(caught.value)


def test_what_nobody_serves_is_asked_for_with_its_note(tmp_path: Path) -> None:
    download = Download("x.tar", (), "", note="ask its authors for it")
    with pytest.raises(BenchError, match=r"cannot be fetched; get it \(ask its authors for it\)"):
        obtain(tmp_path, download, allowed=True)


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")  # as shutil has it
    monkeypatch.setattr("bench.transfer.shutil.disk_usage", lambda path: usage(9, 0, 5_000))
    url = server.serve("/a", Served(CONTENT))
    with pytest.raises(BenchError, match=r"1 MB are needed and 5 kB are free.*make room"):
        obtain(tmp_path, of(url), allowed=True)
    assert files_below(tmp_path) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_root_that_cannot_be_written_is_told(server: FileServer, tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    url = server.serve("/a", Served(CONTENT))
    try:
        with pytest.raises(BenchError, match=r"cannot be written: Permission denied.*--data-root"):
            obtain(tmp_path, of(url), allowed=True)
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_a_root_that_is_a_file_is_told(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "root").write_bytes(b"")
    url = server.serve("/a", Served(CONTENT))
    with pytest.raises(BenchError, match=r"root cannot be written.*--data-root"):
        obtain(tmp_path / "root", of(url), allowed=True)


@pytest.mark.parametrize("digest", ["md5:0", "sha1:" + "0" * 40, "0" * 64, "md5:" + "A" * 32])
def test_a_digest_that_is_none_is_refused(digest: str) -> None:
    with pytest.raises(BenchError, match=rf"digest of x is '{digest}'"):
        Download("x", (), digest)


@pytest.mark.parametrize("url", ["ftp://example.org/x", "file:///x", "/x", "HTTP//x"])
def test_only_http_and_https_are_fetched_from(url: str) -> None:
    with pytest.raises(BenchError, match="only by http or https"):
        Download("x", (url,), "")


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def test_an_archive_is_unpacked_once_and_its_folder_returned(
    server: FileServer, tmp_path: Path
) -> None:
    content = zipped(a=b"1", b=b"2")
    url = server.serve("/a", Served(content))
    download = Download("x.zip", (url,), md5(content), unpack="sets/x")
    for _ in range(2):
        assert obtain(tmp_path, download, allowed=True) == tmp_path / "sets" / "x"
    assert files_below(tmp_path) == ["sets/x/a", "sets/x/b", "x.zip"]
    assert len(server.visits) == 1
    (tmp_path / "x.zip").unlink()
    assert obtain(tmp_path, download, allowed=False) == tmp_path / "sets" / "x"


def test_an_archive_of_the_users_own_is_unpacked_without_a_visit(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zipped(a=b"1"))
    download = Download("x.zip", (), "", unpack="x")
    assert (obtain(tmp_path, download, allowed=False) / "a").read_bytes() == b"1"


def test_an_archive_that_is_damaged_and_not_the_published_one_is_told_as_both(
    tmp_path: Path,
) -> None:
    content = zipped(a=b"1")
    (tmp_path / "x.zip").write_bytes(content[:-5])
    download = Download("x.zip", (), md5(content), unpack="x")
    with pytest.raises(BenchError, match=r"is damaged.*not the published file: its md5 is"):
        obtain(tmp_path, download, allowed=False)
    assert files_below(tmp_path) == ["x.zip"]


def test_two_that_want_one_file_at_once_fetch_it_once(server: FileServer, tmp_path: Path) -> None:
    url = server.serve("/a", Served(CONTENT))
    found: list[bytes] = []

    def fetch() -> None:
        found.append(obtain(tmp_path, of(url), allowed=True).read_bytes())

    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 6
    assert len(server.visits) == 1
    assert files_below(tmp_path) == ["set/data.bin"]

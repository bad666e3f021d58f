"""Downloads: whole, checked, gone on with after a cut, and refused with reasons that help."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import bench.transfer
from bench.dataset import DataFiles
from bench.downloads import Download, obtain
from bench.errors import BenchError
from tests.bench.file_server import FileServer, Served, Visit, file_server

CONTENT = np.random.default_rng(0).bytes(1_000_000)
OTHER = np.random.default_rng(1).bytes(1_000_000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(bench.transfer, "PAUSE", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with file_server() as running:
        yield running


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}"


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def of(*urls: str, content: bytes = CONTENT) -> Download:
    return Download("set/data.bin", urls, md5(content))


def files_below(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


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


def test_progress_is_told_up_to_the_last_byte(server: FileServer, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    url = server.serve("/a", Served(CONTENT))
    files = DataFiles(tmp_path, report=lambda *state: told.append(state))
    files.obtain(of(url))
    assert {(name, total) for name, _, total in told} == {("data.bin", len(CONTENT))}
    done = [d for _, d, _ in told]
    assert done == sorted(done) and done[-1] == len(CONTENT)


def test_without_a_length_from_the_server_progress_takes_the_one_that_is_known(
    server: FileServer, tmp_path: Path
) -> None:
    told: list[int | None] = []
    url = server.serve("/a", Served(CONTENT, says_length=False))
    download = Download("data.bin", (url,), md5(CONTENT), size=len(CONTENT))
    obtain(tmp_path, download, True, lambda name, done, total: told.append(total))
    assert set(told) == {len(CONTENT)}


def test_a_cut_connection_is_gone_on_with_where_it_was_cut(
    server: FileServer, tmp_path: Path
) -> None:
    url = server.serve("/a", Served(CONTENT, cuts=[300_000, 300_000]))
    assert obtain(tmp_path, of(url), allowed=True).read_bytes() == CONTENT
    assert server.visits == [
        Visit("/a", None, None),
        Visit("/a", "bytes=300000-", '"v1"'),
        Visit("/a", "bytes=600000-", '"v1"'),
    ]


def test_what_an_earlier_process_left_is_gone_on_with(server: FileServer, tmp_path: Path) -> None:
    served = Served(CONTENT, cuts=[300_000, 0, 0, 0, 0])
    url = server.serve("/a", served)
    with pytest.raises(BenchError, match=r"was cut; 300,000 bytes have come"):
        obtain(tmp_path, of(url), allowed=True)
    assert files_below(tmp_path) == ["set/data.bin.part", "set/data.bin.part.json"]
    served.cuts.clear()
    server.visits.clear()
    assert obtain(tmp_path, of(url), allowed=True).read_bytes() == CONTENT
    assert server.visits == [Visit("/a", "bytes=300000-", '"v1"')]
    assert files_below(tmp_path) == ["set/data.bin"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(server: FileServer, tmp_path: Path) -> None:
    url = server.serve("/a", Served(OTHER, cuts=[300_000, 0, 0, 0, 0]))
    with pytest.raises(BenchError, match="cut"):
        obtain(tmp_path, of(url), allowed=True)
    server.serve("/a", Served(CONTENT, etag='"v2"'))
    assert obtain(tmp_path, of(url), allowed=True).read_bytes() == CONTENT


def test_a_file_that_changed_under_the_same_tag_is_noticed_by_its_hash_and_fetched_anew(
    server: FileServer, tmp_path: Path
) -> None:
    url = server.serve("/a", Served(OTHER, cuts=[300_000, 0, 0, 0, 0]))
    with pytest.raises(BenchError, match="cut"):
        obtain(tmp_path, of(url), allowed=True)
    server.serve("/a", Served(CONTENT))
    server.visits.clear()
    assert obtain(tmp_path, of(url), allowed=True).read_bytes() == CONTENT
    assert [visit.range for visit in server.visits] == ["bytes=300000-", None]


def test_a_file_that_became_shorter_meanwhile_is_fetched_anew(
    server: FileServer, tmp_path: Path
) -> None:
    url = server.serve("/a", Served(CONTENT, cuts=[300_000, 0, 0, 0, 0]))
    short = CONTENT[:200_000]
    with pytest.raises(BenchError, match="cut"):
        obtain(tmp_path, of(url), allowed=True)
    server.serve("/a", Served(short))
    assert obtain(tmp_path, of(url, content=short), allowed=True).read_bytes() == short


def test_a_server_that_cannot_go_on_gives_all_of_it_again(
    server: FileServer, tmp_path: Path
) -> None:
    url = server.serve("/a", Served(CONTENT, ranges=False, cuts=[300_000]))
    assert obtain(tmp_path, of(url), allowed=True).read_bytes() == CONTENT


def test_another_mirror_goes_on_with_what_the_first_began(
    server: FileServer, tmp_path: Path
) -> None:
    first = server.serve("/a", Served(CONTENT, cuts=[300_000, 0, 0, 0, 0]))
    second = server.serve("/b", Served(CONTENT, etag='"else"'))
    assert obtain(tmp_path, of(first, second), allowed=True).read_bytes() == CONTENT
    assert server.visits[-1] == Visit("/b", "bytes=300000-", None)


def test_without_a_hash_another_mirror_begins_anew(server: FileServer, tmp_path: Path) -> None:
    first = server.serve("/a", Served(OTHER, cuts=[300_000, 0, 0, 0, 0]))
    second = server.serve("/b", Served(CONTENT))
    download = Download("data.bin", (first, second), "")
    assert obtain(tmp_path, download, allowed=True).read_bytes() == CONTENT


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


def test_a_server_that_is_busy_is_asked_again(server: FileServer, tmp_path: Path) -> None:
    url = server.serve("/a", Served(b"wait", status=503))
    with pytest.raises(BenchError, match="the server answers 503 Service Unavailable"):
        obtain(tmp_path, of(url), allowed=True)
    assert len(server.visits) == bench.transfer.TRIES


DRIVE = b"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head></html>"
LOGIN = b'<html><title>Sign in</title><form><input type="password"></form></html>'
PORTAL = b"\n<HTML><body>Welcome to our guests</body></HTML>"
XHTML = b'<?xml version="1.0"?><p>moved</p>'


@pytest.mark.parametrize(
    ("page", "kind", "words"),
    [
        (DRIVE, "text/html; charset=utf-8", "«Google Drive - Quota exceeded».*try tomorrow"),
        (DRIVE, "application/zip", "«Google Drive - Quota exceeded».*try tomorrow"),
        (LOGIN, "text/html", "asks for a login; fetch it with a browser"),
        (PORTAL, "application/octet-stream", "your network may want you to sign in first"),
        (XHTML, "application/xhtml+xml", "may have moved"),
    ],
    ids=["quota", "quota-as-zip", "login", "portal", "xhtml"],
)
def test_a_web_page_in_place_of_the_file_is_recognised(
    page: bytes, kind: str, words: str, server: FileServer, tmp_path: Path
) -> None:
    url = server.serve("/a", Served(page, kind=kind))
    with pytest.raises(BenchError, match=rf"gave a web page.*{words}"):
        obtain(tmp_path, of(url), allowed=True)
    assert files_below(tmp_path) == []


def test_a_page_that_a_portal_sends_on_to_is_told_with_its_host(
    server: FileServer, tmp_path: Path
) -> None:
    with file_server() as portal:
        url = server.serve("/a", Served(to=portal.serve("/welcome", Served(PORTAL))))
        with pytest.raises(BenchError, match=f"sent us on to {portal.url[7:]}; your network may"):
            obtain(tmp_path, of(url), allowed=True)


def test_a_page_does_not_take_the_place_of_what_has_come_already(
    server: FileServer, tmp_path: Path
) -> None:
    url = server.serve("/a", Served(CONTENT, cuts=[300_000, 0, 0, 0, 0]))
    with pytest.raises(BenchError, match="cut"):
        obtain(tmp_path, of(url), allowed=True)
    server.serve("/a", Served(DRIVE, kind="text/html", etag='"page"'))
    with pytest.raises(BenchError, match="web page"):
        obtain(tmp_path, of(url), allowed=True)
    assert (tmp_path / "set" / "data.bin.part").read_bytes() == CONTENT[:300_000]


def test_a_file_that_is_called_a_page_by_mistake_is_taken(
    server: FileServer, tmp_path: Path
) -> None:
    url = server.serve("/a", Served(CONTENT, kind="text/html"))
    assert obtain(tmp_path, of(url), allowed=True).read_bytes() == CONTENT


def test_a_redirect_is_followed_but_not_to_a_file_of_this_machine(
    server: FileServer, tmp_path: Path
) -> None:
    good = server.serve("/to", Served(to=server.serve("/a", Served(CONTENT))))
    assert obtain(tmp_path / "1", of(good), allowed=True).read_bytes() == CONTENT
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    bad = server.serve("/bad", Served(to=secret.as_uri()))
    with pytest.raises(BenchError, match="neither http nor https"):
        obtain(tmp_path / "2", of(bad), allowed=True)


def test_a_redirect_to_itself_is_told(server: FileServer, tmp_path: Path) -> None:
    url = server.serve("/a", Served(to=f"{server.url}/a"))
    with pytest.raises(BenchError, match="from one address to the next without end"):
        obtain(tmp_path, of(url), allowed=True)


def test_an_empty_file_is_refused(server: FileServer, tmp_path: Path) -> None:
    download = Download("data.bin", (server.serve("/a", Served(b"")),), "")
    with pytest.raises(BenchError, match="gave an empty file"):
        obtain(tmp_path, download, allowed=True)


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


FETCH = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    import bench.transfer
    from bench.downloads import Download, obtain
    bench.transfer.CHUNK = 1000
    bench.transfer.PAUSE = 60
    root, url, digest = sys.argv[1:]
    print("started", flush=True)
    obtain(Path(root), Download("set/data.bin", (url,), digest), True)
    """
)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_stopped_leaves_a_part_to_go_on_with_and_no_file(
    how: signal.Signals, server: FileServer, tmp_path: Path
) -> None:
    url = server.serve("/a", Served(CONTENT, cuts=[300_000]))
    command = [sys.executable, "-c", FETCH, str(tmp_path), url, md5(CONTENT)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        part = tmp_path / "set" / "data.bin.part"
        deadline = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size == 300_000):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        process.send_signal(how)
        process.wait()
    assert not (tmp_path / "set" / "data.bin").exists()
    server.visits.clear()
    assert obtain(tmp_path, of(url), allowed=True).read_bytes() == CONTENT
    assert server.visits == [Visit("/a", "bytes=300000-", '"v1"')]
    assert files_below(tmp_path) == ["set/data.bin"]

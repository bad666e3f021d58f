"""Transfers: gone on with after a cut, begun anew after a change, and refused with a reason."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import bench.transfer
from bench.dataset import DataFiles
from bench.downloads import Download, obtain
from bench.errors import BenchError
from tests.bench.downloaded import CONTENT, OTHER, files_below, md5, of
from tests.bench.file_server import FileServer, Served, Visit


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


@pytest.mark.parametrize("content", [CONTENT, OTHER], ids=["right", "wrong"])
def test_a_part_that_is_whole_is_only_checked_and_if_it_is_wrong_fetched_anew(
    content: bytes, server: FileServer, tmp_path: Path
) -> None:
    """As a process leaves it that is killed while it computes the hash."""
    url = server.serve("/a", Served(content, cuts=[300_000, 0, 0, 0, 0]))
    with pytest.raises(BenchError, match="cut"):
        obtain(tmp_path, of(url), allowed=True)
    (tmp_path / "set" / "data.bin.part").write_bytes(content)
    server.serve("/a", Served(CONTENT))
    server.visits.clear()
    assert obtain(tmp_path, of(url), allowed=True).read_bytes() == CONTENT
    again = [] if content == CONTENT else [None]
    assert [visit.range for visit in server.visits] == ["bytes=1000000-", *again]
    assert files_below(tmp_path) == ["set/data.bin"]


def test_on_a_disk_without_links_a_file_is_fetched_as_well(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    url = server.serve("/a", Served(CONTENT))
    assert obtain(tmp_path, of(url), allowed=True).read_bytes() == CONTENT
    assert files_below(tmp_path) == ["set/data.bin"]


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


def test_a_server_that_is_busy_is_asked_again(server: FileServer, tmp_path: Path) -> None:
    url = server.serve("/a", Served(b"wait", status=503))
    with pytest.raises(BenchError, match="the server answers 503 Service Unavailable"):
        obtain(tmp_path, of(url), allowed=True)
    assert len(server.visits) == bench.transfer.TRIES


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


FETCH = textwrap.dedent(
    """
    import signal
    import sys
    from pathlib import Path
    import bench.transfer
    from bench.downloads import Download, obtain
    bench.transfer.CHUNK = 1000
    bench.transfer.PAUSE = 60
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
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

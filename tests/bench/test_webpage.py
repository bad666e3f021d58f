"""Web pages in place of files are recognised, and told in words that help."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.downloads import obtain
from bench.errors import BenchError
from tests.bench.downloaded import CONTENT, files_below, of
from tests.bench.file_server import FileServer, Served, file_server

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

"""Web pages that come in place of a file: a quota, a login, a network that wants a sign-in."""

from __future__ import annotations

import codecs
import re
from html import unescape
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from requests import Response

_BEGINNINGS = (b"<!doctype html", b"<html", b"<head")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_QUOTA = ("quota exceeded", "exceeded the quota", "too many users have viewed or downloaded")
_SCAN = ("scan this file for viruses", "virus scan warning")
_LOGIN = ('type="password"', "type='password'", "type=password")


def page_in_place_of_file(response: Response, head: bytes, url: str, name: str) -> str:
    """Returns, in plain words, what page a server gave for the file `name`; empty if it gave none.

    `head` is the beginning of what it gave.
    """
    if PurePath(name).suffix.lower() in (".html", ".htm") or not _is_page(response, head):
        return ""
    text = head.decode("utf-8", "replace")
    title = _TITLE.search(text)
    words = " ".join(unescape(title[1]).split())[:80] if title else ""
    named = f" («{words}»)" if words else ""
    return f"gave a web page{named}, not the file: {_meaning(response, text.lower(), url)}"


def _is_page(response: Response, head: bytes) -> bool:
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:20].lower().startswith(_BEGINNINGS):
        return True
    kind = response.headers.get("Content-Type", "").lower()
    return kind.startswith(("text/html", "application/xhtml")) and _is_text(head)


def _is_text(head: bytes) -> bool:
    """Tells whether bytes are text; some servers call every file a page."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # its last letter may be cut in two
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def _meaning(response: Response, text: str, url: str) -> str:
    if any(sign in text for sign in _QUOTA):
        return "so many people fetched it that its host has stopped for today; try tomorrow"
    if any(sign in text for sign in _SCAN):
        return "its host wants a click on that page first; fetch it with a browser"
    if any(sign in text for sign in _LOGIN):
        return "it asks for a login; fetch it with a browser"
    if urlsplit(response.url).netloc != urlsplit(url).netloc:
        return (
            f"it sent us on to {urlsplit(response.url).netloc}; your network may want you to sign "
            "in first"
        )
    return "the file may have moved, or your network may want you to sign in first"

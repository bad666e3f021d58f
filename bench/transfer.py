"""Transfers: one file from one server, going on where an earlier visit was cut off."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.bytesize import in_bytes
from bench.webpage import page_in_place_of_file

if TYPE_CHECKING:
    from requests import Response

Report = Callable[[str, int, int | None], None]
"""Called with a file's name, its bytes that have come, and all there will be, if that is known."""

CHUNK = 1 << 18
TIMEOUT = (15, 60)
"""Seconds to wait for a connection, and for the next bytes."""
TRIES = 3
"""Visits in a row that may bring nothing new before a mirror is given up."""
PAUSE = 1.0
"""Seconds before the second visit; twice as long before the third."""
BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Answers that may be others a moment later."""


class Refused(Exception):
    """A server does not give the file; the text says why, in plain words."""


class _Cut(Exception):
    """A visit ended early; another may bring the rest."""


@dataclass(frozen=True)
class _Begun:
    """What is known of a file that has come in part: from where, in which version, how large."""

    url: str
    version: str
    total: int | None


class Transfer:
    """Fetches a file for pooch, by way of `NAME.part` beside `target`, which outlives a failure.

    A part is gone on with if the server still has the same version of the file, by its ETag or
    date; or if, on another server, it has the same size and `checked` says that the hash of the
    whole will be looked at. `resumed` tells afterwards whether that was so.
    """

    def __init__(self, target: Path, checked: bool, size: int, report: Report) -> None:
        self.resumed = False
        self._name, self._checked, self._size, self._report = target.name, checked, size, report
        self._part = target.with_name(f"{target.name}.part")
        self._notes = target.with_name(f"{target.name}.part.json")

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Fetches `url` into `output_file`; this is what pooch calls.

        Raises:
            Refused: the server does not give it.
            OSError: it cannot be written.
        """
        self.resumed, fruitless = False, 0
        while True:
            before = self._length()
            try:
                self._visit(url)
                break
            except _Cut as error:
                fruitless = 0 if self._length() > before else fruitless + 1
                if fruitless == TRIES:
                    came = self._length()
                    kept = f"; {came:,} bytes have come, the next try goes on there" if came else ""
                    raise Refused(f"{error}{kept}") from error
                time.sleep(PAUSE * 2 ** max(fruitless - 1, 0))
        with suppress(FileNotFoundError):
            Path(output_file).unlink()
        try:
            Path(output_file).hardlink_to(self._part)  # the part stays until the hash is known
        except OSError:  # a disk without such links
            self._part.replace(output_file)

    def forget(self) -> None:
        """Removes what has come, and what is known of it; it is whole, or was of no use."""
        self._part.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def _visit(self, url: str) -> None:
        """Asks for all that has not come yet, and takes what is given."""
        import requests  # only those who fetch something wait for it

        offset, headers = self._asking(url)
        try:
            with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
                if response.status_code == 416:  # there is nothing from there on
                    self._all_there(response, offset)
                else:
                    self._take(url, response, offset)
        except requests.exceptions.RequestException as error:
            raise _failure(error) from error

    def _asking(self, url: str) -> tuple[int, dict[str, str]]:
        """Returns how much is there, and the headers that ask for the rest."""
        headers = {"Accept-Encoding": "identity"}
        begun, offset = self._begun(), self._length()
        if not begun or not offset:
            return 0, headers
        version = begun.version if begun.url == url else ""
        if not version and not (self._checked and begun.total):
            return 0, headers
        headers["Range"] = f"bytes={offset}-"
        if version:
            headers["If-Range"] = version
        return offset, headers

    def _take(self, url: str, response: Response, offset: int) -> None:
        """Writes what a server gives behind what is there, or over it if it gives all."""
        start, total = self._extent(response, offset)
        chunks = _chunks(response)
        head = next(chunks, b"")
        page = page_in_place_of_file(response, head, url, self._name)
        if page:
            raise Refused(page)
        self._check_room(start, total)
        if not start:
            self._note(_Begun(url, _version(response), total))
        self.resumed = self.resumed or start > 0
        with self._part.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            while head:
                file.write(head)
                self._report(self._name, file.tell(), total or self._size or None)
                head = next(chunks, b"")
        if total is not None and self._length() < total:
            raise _Cut("the connection was cut")
        if not self._length():
            raise Refused("it gave an empty file")

    def _extent(self, response: Response, offset: int) -> tuple[int, int | None]:
        """Returns where the answer begins in the file, and how large the file is."""
        status = response.status_code
        if status == 206:
            first, total = _range(response.headers.get("Content-Range", ""))
            begun = self._begun()
            if first != offset or (begun and total != begun.total):
                self.forget()
                raise _Cut("the server gave another part than the one asked for")
            return first, total
        if status in BUSY:
            raise _Cut(f"the server answers {_status(response)}")
        if status != 200:
            raise Refused(f"the server answers {_status(response)}")
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None

    def _all_there(self, response: Response, offset: int) -> None:
        self.resumed = True
        _, total = _range(response.headers.get("Content-Range", ""))
        if total != offset:
            self.forget()
            raise _Cut("the file on the server has changed")

    def _check_room(self, start: int, total: int | None) -> None:
        """Raises OSError if the disk cannot hold the rest."""
        needed = (total or self._size) - start
        free = shutil.disk_usage(self._part.parent).free
        if needed > free:
            reason = f"{in_bytes(needed)} are needed and {in_bytes(free)} are free"
            raise OSError(errno.ENOSPC, reason, str(self._part.parent))

    def _length(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _begun(self) -> _Begun | None:
        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self._notes.read_bytes(), type=_Begun)
        return None

    def _note(self, begun: _Begun) -> None:
        self._notes.write_bytes(msgspec.json.encode(begun))


def _chunks(response: Response) -> Iterator[bytes]:
    """Yields the bytes as they come, not unpacked; raises _Cut if they stop early."""
    from urllib3.exceptions import HTTPError

    try:
        yield from response.raw.stream(CHUNK, decode_content=False)
    except HTTPError as error:
        raise _Cut("the connection was cut") from error


def _version(response: Response) -> str:
    """Returns what a server calls this version of the file, for If-Range; empty if nothing."""
    tag = response.headers.get("ETag", "")
    if tag.startswith('"'):  # others are weak: equal tags promise no equal bytes
        return tag
    return response.headers.get("Last-Modified", "")


def _range(header: str) -> tuple[int, int | None]:
    """Returns first byte and total of a Content-Range such as `bytes 5-9/10` or `bytes */10`."""
    span, _, total = header.removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    return int(first) if first.isdecimal() else -1, int(total) if total.isdecimal() else None


def _status(response: Response) -> str:
    return f"{response.status_code} {response.reason}".strip()


def _failure(error: Exception) -> Exception:
    """Returns what an exception of requests comes to: whether another visit is worth while."""
    import requests

    words = in_plain_words(error)
    if isinstance(error, requests.exceptions.Timeout):
        return _Cut(words)
    lasting = (
        *(requests.exceptions.SSLError, requests.exceptions.ProxyError),
        *(requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL),
        requests.exceptions.TooManyRedirects,
    )
    if isinstance(error, lasting) or words in (UNKNOWN_HOST, NOBODY_LISTENS):
        return Refused(words)
    return _Cut(words)


UNKNOWN_HOST = "the name of the server is not found; is this machine offline?"
NOBODY_LISTENS = "the server cannot be reached"
_SIGNS = {
    "failed to resolve": UNKNOWN_HOST,
    "name or service not known": UNKNOWN_HOST,
    "getaddrinfo failed": UNKNOWN_HOST,
    "cannot connect to proxy": "the proxy cannot be reached",
    "connection refused": NOBODY_LISTENS,
    "network is unreachable": NOBODY_LISTENS,
    "no route to host": NOBODY_LISTENS,
    "certificate": "its certificate is not accepted",
    "timed out": f"no answer within {TIMEOUT[1]} seconds",
    "no connection adapters": "it leads to an address that is neither http nor https",
    "redirects": "it sends from one address to the next without end",
    "without response": "it closed the connection without an answer",
}
"""What is in an exception's text, and what it means."""


def in_plain_words(error: Exception) -> str:
    """Returns what an exception of the network says, without its machinery."""
    text = " ".join(str(error).split())
    for sign, words in _SIGNS.items():
        if sign in text.lower():
            return words
    return text[:200] or type(error).__name__

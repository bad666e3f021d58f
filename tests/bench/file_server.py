"""A server of files in a thread of the test, which can be told to behave as badly as real ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


@dataclass
class Served:
    """A file as it is served. `cuts` says how many bytes each of the next visits gets at most."""

    content: bytes = b""
    etag: str = '"v1"'
    kind: str = "application/octet-stream"
    status: int = 200
    to: str = ""
    ranges: bool = True
    says_length: bool = True
    cuts: list[int] = field(default_factory=list)


class Visit(NamedTuple):
    """What a client asked for."""

    path: str
    range: str | None
    if_range: str | None


@dataclass
class FileServer:
    """What is served under which path, and who came."""

    url: str
    files: dict[str, Served] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)

    def serve(self, path: str, served: Served) -> str:
        """Serves a file, and returns its address."""
        self.files[path] = served
        return f"{self.url}{path}"


@contextmanager
def file_server() -> Iterator[FileServer]:
    """Runs a server for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            wanted, condition = self.headers.get("Range"), self.headers.get("If-Range")
            here.visits.append(Visit(self.path, wanted, condition))
            served = here.files.get(self.path, Served(b"gone", status=404, etag=""))
            if served.to:
                self.send_response(302)
                self.send_header("Location", served.to)
                self.end_headers()
                return
            self._give(served, self._start(served, wanted, condition))

        def _start(self, served: Served, wanted: str | None, condition: str | None) -> int:
            if wanted is None or not served.ranges or condition not in (None, served.etag):
                return 0
            return int(wanted.removeprefix("bytes=").removesuffix("-"))

        def _give(self, served: Served, start: int) -> None:
            total = len(served.content)
            if start and start >= total:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else served.status)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            if served.says_length:
                self.send_header("Content-Length", str(total - start))
            if served.etag:
                self.send_header("ETag", served.etag)
            self.send_header("Content-Type", served.kind)
            self.end_headers()
            most = served.cuts.pop(0) if served.cuts else total
            self.wfile.write(served.content[start : start + most])

        def log_message(self, format: str, *args: object) -> None:  # its name
            """Keeps quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = FileServer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

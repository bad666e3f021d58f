"""Downloads: files of a dataset that its publisher serves, fetched whole, checked, and unpacked."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.archives import unpack
from bench.errors import BenchError
from bench.locking import alone
from bench.transfer import Refused, Report, Transfer, in_plain_words

_DIGEST = re.compile(r"(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})?")
_GOT = re.compile(r"\bgot ([0-9a-f]{32,})")


@dataclass(frozen=True)
class Download:
    """A file that a dataset is made of: its place below the data root, its mirrors, its hash.

    `digest` is `sha256:...` or `md5:...`, as published, or empty if nobody published one; `unpack`
    is the folder below the data root that it is unpacked into, if it is an archive to be unpacked,
    and belongs to this archive alone; `size` is in bytes, if known. Without `urls` nobody serves
    it: the user has to put it there. `note` says what the user should know of it, such as where to
    ask for it.

    Raises:
        BenchError: `digest` is no such text, or a URL begins with neither http nor https.
    """

    file: str
    urls: tuple[str, ...]
    digest: str
    unpack: str = ""
    size: int = 0
    note: str = ""

    def __post_init__(self) -> None:
        if not _DIGEST.fullmatch(self.digest):
            raise BenchError(
                f"the digest of {self.file} is '{self.digest}'; write sha256: or md5: and the hash "
                "in small letters"
            )
        for url in self.urls:
            if not url.startswith(("https://", "http://")):
                raise BenchError(f"{self.file} cannot be fetched from {url}; only by http or https")

    def place(self, root: Path) -> Path:
        """Returns where it is found in the end: the folder it is unpacked into, or the file."""
        return root / (self.unpack or self.file)

    def is_there(self, root: Path) -> bool:
        """Tells whether the file, or the folder it was unpacked into, is there."""
        return _is_filled(self.place(root))

    def wrong_hash(self, path: Path) -> str:
        """Returns what is wrong with the hash of a file, or of a part of one; empty if nothing."""
        kind, _, known = self.digest.partition(":")
        if not known:
            return ""
        with path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False))
        return (
            "" if found.hexdigest() == known else f"its {kind} is {found.hexdigest()}, not {known}"
        )


def no_report(name: str, done: int, total: int | None) -> None:
    """Takes no notice of the progress of a download."""


def obtain(root: Path, download: Download, allowed: bool, report: Report = no_report) -> Path:
    """Returns the file, or the folder it was unpacked into, fetching it if need be.

    What is there is taken as it is, without a look at its hash; `bench data verify` looks.

    Raises:
        BenchError: it is not there, and may not or cannot be fetched; or it cannot be unpacked, or
            the root cannot be written.
    """
    if download.is_there(root):
        return download.place(root)
    file = root / download.file
    if not file.exists():
        if not allowed:
            raise BenchError(_absent(root, download, ", and downloading is switched off"))
        if not download.urls:
            raise BenchError(_absent(root, download, ", and it cannot be fetched"))
        with _writable(root), _made_folders(file.parent), alone(file):
            if not file.exists():
                _fetch(root, download, report)
    if download.unpack:
        _unpack(root, download)
    return download.place(root)


def _is_filled(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists()


def _unpack(root: Path, download: Download) -> None:
    file = root / download.file
    try:
        with _writable(root):
            unpack(file, root / download.unpack)
    except BenchError as error:
        wrong = download.wrong_hash(file)
        if not wrong:
            raise
        raise BenchError(f"{error}; it is not the published file: {wrong}; delete it") from error


def _absent(root: Path, download: Download, why: str) -> str:
    """Returns the line that says what to put where."""
    known = f" from {download.urls[0]}" if download.urls else ""
    note = f" ({download.note})" if download.note else ""
    return (
        f"{root / download.file} is not there{why}; get it{known}{note} and put it there, or name "
        "the folder that has it with --data-root"
    )


def _fetch(root: Path, download: Download, report: Report) -> None:
    """Fetches the file from the first mirror that gives it."""
    reasons: dict[str, None] = {}
    transfer = Transfer(root / download.file, bool(download.digest), download.size, report)
    for url in download.urls:
        try:
            _retrieve(url, root / download.file, download, transfer)
            return
        except Refused as error:
            reasons[f"{_host(url)}: {error}"] = None
    raise BenchError(_absent(root, download, f" and could not be fetched ({'; '.join(reasons)})"))


def _retrieve(url: str, target: Path, download: Download, transfer: Transfer) -> None:
    """Fetches from one mirror; what was begun by another visit and came out wrong is begun anew.

    Raises:
        Refused: it gives no such file.
    """
    import pooch  # it takes a while, and few runs fetch anything

    pooch.get_logger().setLevel("WARNING")
    draft = target.with_name(f".{target.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        for _ in range(2):
            try:
                pooch.retrieve(
                    url, download.digest or None, target.name, draft, downloader=transfer
                )
            except ValueError as error:  # pooch's word for a wrong hash
                transfer.forget()
                found = _GOT.search(str(error))
                reason = f"hash {found[1][:12]}" if found else in_plain_words(error)
                if transfer.resumed:
                    continue
                break
            (draft / target.name).replace(target)
            transfer.forget()
            return
        known = download.digest.partition(":")[2][:12]
        raise Refused(f"gave another file ({reason}, not {known}), which was deleted")
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _host(url: str) -> str:
    return url.split("/")[2]


@contextmanager
def _writable(root: Path) -> Iterator[None]:
    """Turns a failure to write into an error that says what to do."""
    try:
        yield
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise BenchError(
            f"the data folder {root} cannot be written: {error.strerror or error}{place}; make "
            "room, or name a folder of yours with --data-root or BENCH_DATA_ROOT"
        ) from error


@contextmanager
def _made_folders(folder: Path) -> Iterator[None]:
    """Makes a folder; what is empty of the new ones afterwards goes again."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for path in made:
            with suppress(OSError):  # it has something in it
                path.rmdir()

"""Copies: files that are the same, byte for byte, found while they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence
from functools import partial

from bench import BenchError, Picture, Split

from ._image_files import ImageFile, counted


class Copies:
    """Notes what every file holds, and compares."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._digests: dict[str, bytes] = {}
        self._first: dict[bytes, tuple[ImageFile, Split]] = {}
        self._pairs: list[str] = []

    def picture(self, file: ImageFile) -> Picture:
        """Returns the picture in a file; reading it notes what it holds."""
        return Picture(file.name, partial(self._read, file), file.group)

    def _read(self, file: ImageFile) -> bytes:
        content = file.read()
        self._digests[file.name] = hashlib.blake2b(content, digest_size=16).digest()
        return content

    def compare(self, files: Sequence[ImageFile], split: Split, ignored: Container[str]) -> None:
        """Compares the files of a class with all before, those with an ignored name left out.

        Raises:
            BenchError: two splits share a file.
        """
        for one in files:
            if one.name in ignored:
                continue
            other, place = self._first.setdefault(self._digests.pop(one.name), (one, split))
            if place != split:
                raise BenchError(
                    f"{other.name} (class '{other.class_name}', {place}) and {one.name} (class "
                    f"'{one.class_name}', {split}) are the same file, byte for byte, but splits "
                    f"must not share images: remove one; bench data doctor {self._path} lists all"
                )
            if other is not one:
                self._pairs.append(f"{one.name} of {other.name}")

    def remarks(self) -> tuple[str, ...]:
        """Returns a line on copies within splits, if there are any."""
        if not self._pairs:
            return ()
        files = counted(len(self._pairs), "file is a copy", "files are copies")
        return (
            f"{files} of another in the same split, such as {self._pairs[0]}: an episode may have "
            f"both; bench data doctor {self._path} lists all",
        )

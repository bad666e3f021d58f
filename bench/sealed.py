"""Sealed episodes: a list of test episodes in a file that anybody can check and use.

A file holds which images each episode has, as what and in which order, with a hash of each image's
content, so that the same episodes can be found in any copy of the data. Its first line has the
format and the sha256 of the rest, which is msgpack. The same episodes give the same bytes
everywhere. It imports no torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.bitpacking import Packed, pack, pack_rising, unpack, unpack_rising
from bench.consistency import check_episodes
from bench.content import HASH_BYTES
from bench.dataset import Split
from bench.episodelist import EpisodeList
from bench.episodes import EpisodeProtocol, ProtocolKind
from bench.errors import BenchError
from bench.parameters import Value
from bench.sampling import StreamName, episodes_digest
from bench.tasks import Task

FORMAT = 1
KEPT_AS = "episodes.sealed"
"""The copy of the file in the folder of a run that was tested on it."""
_MAGIC = b"bench-episodes "
_LONGEST_FIRST_LINE = 100


@dataclass(frozen=True)
class SealedData:
    """The data that episodes were drawn from: its parameters, and what its inputs are like.

    `targets` is the width of the targets, 0 in classification.
    """

    name: str
    parameters: Mapping[str, Value]
    task: Task
    shape: tuple[int, ...]
    dtype: str
    targets: int = 0


@dataclass(frozen=True)
class SealedEpisodes:
    """e episodes, with all that is needed to find their images.

    Rows and class numbers are those of the split that the episodes were drawn from. Shapes:
    class_names and class_numbers (c,), the classes used; images (i,), the rows used, rising, with
    their class numbers image_classes (i,) and hashes of their content, (i, 16).

    Raises:
        BenchError: the parts contradict one another.
    """

    stream: StreamName
    data: SealedData
    class_names: tuple[str, ...]
    class_numbers: NDArray[np.int64]
    images: NDArray[np.int64]
    image_classes: NDArray[np.int64]
    hashes: NDArray[np.uint8]
    episodes: EpisodeList

    def __post_init__(self) -> None:
        if not len(self.class_names) == len(self.class_numbers) == len(set(self.class_names)):
            raise BenchError("classes do not have one name each")
        if not len(self.images) == len(self.image_classes) == len(self.hashes):
            raise BenchError("images do not have one class and one hash each")
        if (np.diff(self.images) < 1).any() or (np.diff(self.class_numbers) < 1).any():
            raise BenchError("an image or a class is listed twice")
        if not np.isin(self.image_classes, self.class_numbers).all():
            raise BenchError("an image has a class that is not listed")
        check_episodes(self.episodes, self.images, self.image_classes)

    def __len__(self) -> int:
        return len(self.episodes)

    @property
    def protocol(self) -> EpisodeProtocol:
        """How the episodes were drawn."""
        return self.stream.protocol

    def digest(self, count: int | None = None) -> str:
        """Returns the sha256 that names the first `count` episodes, as a stream's `digest` does."""
        return episodes_digest(self.stream, self.first(count).batches(256))

    def first(self, count: int | None = None) -> EpisodeList:
        """Returns the first `count` episodes, all of them if it is None."""
        return self.episodes if count is None else self.episodes.slice_of(0, count)

    def ids(self, count: int | None = None) -> tuple[str, ...]:
        """Returns the ids of the first `count` episodes, the same as of a run that draws them."""
        return self.first(count).ids(self.stream.fingerprint)

    @cached_property
    def content(self) -> bytes:
        """The bytes of the file."""
        body = msgspec.msgpack.encode(_body(self), order="deterministic")
        seal = hashlib.sha256(body).hexdigest()
        return _MAGIC + f"{FORMAT} {seal}\n".encode() + body

    @cached_property
    def sha256(self) -> str:
        """The sha256 of the whole file."""
        return hashlib.sha256(self.content).hexdigest()


class _Protocol(msgspec.Struct, forbid_unknown_fields=True):
    """An EpisodeProtocol; `folds` is left out where there are none, as it was before."""

    ways: int
    shots: int
    queries: int
    kind: ProtocolKind
    folds: int | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def of(cls, protocol: EpisodeProtocol) -> _Protocol:
        sizes = (protocol.ways, protocol.shots, protocol.queries)
        return cls(*sizes, protocol.kind, protocol.folds or msgspec.UNSET)

    def opened(self) -> EpisodeProtocol:
        return EpisodeProtocol(self.ways, self.shots, self.queries, self.kind, self.folds or 0)


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    """What follows the first line. `images` and classes are rising; rows count the images used."""

    data: SealedData
    fingerprint: str
    split: Split
    protocol: _Protocol
    protocol_id: str
    seed: int
    sampler_version: int
    class_names: tuple[str, ...]
    class_numbers: Packed
    images: Packed
    image_classes: Packed
    hashes: bytes
    episodes: dict[str, Packed]


def _body(sealed: SealedEpisodes) -> _Body:
    columns = {f.name: getattr(sealed.episodes, f.name) for f in fields(EpisodeList)}
    for name in ("support", "query"):
        columns[name] = np.searchsorted(sealed.images, columns[name])
    columns["classes"] = np.searchsorted(sealed.class_numbers, columns["classes"])
    stream = sealed.stream
    return _Body(
        sealed.data,
        stream.fingerprint,
        stream.split,  # type: ignore[arg-type]  # a name's split is a plain text
        _Protocol.of(stream.protocol),
        stream.protocol.id,
        stream.seed,
        stream.sampler_version,
        sealed.class_names,
        pack_rising(sealed.class_numbers),
        pack_rising(sealed.images),
        pack_rising(sealed.image_classes),
        sealed.hashes.tobytes(),
        {name: pack(values) for name, values in columns.items()},
    )


def read_sealed(path: Path) -> SealedEpisodes:
    """Reads a file of sealed episodes.

    Raises:
        BenchError: it is missing, of another kind, of a newer format, or altered.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror or error}") from None
    body = _unsealed(content, path)
    try:
        sealed = _opened(msgspec.msgpack.decode(body, type=_Body))
    except (msgspec.MsgspecError, BenchError) as error:
        raise BenchError(f"{path} holds no valid episodes ({error}); make it again") from None
    if sealed.content != content:
        raise BenchError(f"{path} was not written by bench episodes make; make it again")
    return sealed


def _unsealed(content: bytes, path: Path) -> bytes:
    """Returns what follows the first line, whose hash it must have."""
    line, newline, body = content.partition(b"\n")
    if not content:
        raise BenchError(f"{path} is empty; make it again: bench episodes make")
    words = line[:_LONGEST_FIRST_LINE].split(b" ")
    if not line.startswith(_MAGIC) or len(words) != 3 or not words[1].isdigit() or not newline:
        raise BenchError(
            f"{path} is no file of test episodes; such files are made by bench episodes make"
        )
    if words[1] != str(FORMAT).encode():
        raise BenchError(
            f"{path} has format {words[1].decode()}, this version of bench reads {FORMAT}; use the "
            "version that wrote it, or make it again"
        )
    if words[2] != hashlib.sha256(body).hexdigest().encode():
        raise BenchError(f"{path} was altered or cut short: it is not what its hash says")
    return body


def _opened(body: _Body) -> SealedEpisodes:
    """Returns the episodes in a body; raises BenchError if they are not such."""
    if set(body.episodes) != {f.name for f in fields(EpisodeList)}:
        raise BenchError("it has other columns than episodes have")
    if len(body.hashes) % HASH_BYTES:
        raise BenchError("its hashes are cut short")
    images, numbers = unpack_rising(body.images), unpack_rising(body.class_numbers)
    columns = {name: unpack(packed) for name, packed in body.episodes.items()}
    try:
        for name in ("support", "query"):
            columns[name] = images[columns[name]]
        columns["classes"] = numbers[columns["classes"]]
    except IndexError:
        raise BenchError("an episode has an image or a class that is not listed") from None
    protocol = body.protocol.opened()
    if protocol.id != body.protocol_id:
        raise BenchError(f"its protocol is called {body.protocol_id!r}, not {protocol.id!r}")
    return SealedEpisodes(
        StreamName(body.fingerprint, body.split, protocol, body.seed, body.sampler_version),
        body.data,
        body.class_names,
        numbers,
        images,
        unpack_rising(body.image_classes),
        np.frombuffer(body.hashes, dtype=np.uint8).reshape(-1, HASH_BYTES),
        EpisodeList(**columns),
    )

"""A small CIFAR-100 for tests: pickles as Python 2 wrote them, three images of each class."""

from __future__ import annotations

import hashlib
import pickle
import struct
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

EACH = {"train": 2, "test": 1}


def text(value: str) -> bytes:
    """Returns the opcodes of a text of Python 2."""
    raw = value.encode()
    return b"U" + bytes([len(raw)]) + raw


def array(values: NDArray[np.uint8]) -> bytes:
    """Returns the opcodes by which NumPy under Python 2 pickled an array of bytes."""
    shape = b"(" + b"".join(b"J" + struct.pack("<i", side) for side in values.shape) + b"t"
    kind = b"cnumpy\ndtype\n" + text("u1") + b"K\x00K\x01\x87R"
    kind += b"(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    content = values.tobytes()
    empty = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text("b") + b"\x87R"
    )
    return (
        empty
        + b"(K\x01"
        + shape
        + kind
        + b"\x89T"
        + struct.pack("<i", len(content))
        + content
        + b"tb"
    )


def dictionary(**items: bytes) -> bytes:
    """Returns a pickle of a dict, of the opcodes of its values."""
    return b"\x80\x02}(" + b"".join(text(k) + v for k, v in items.items()) + b"u."


def integers(values: list[int]) -> bytes:
    return b"](" + b"".join(b"K" + bytes([value]) for value in values) + b"e"


def texts(values: list[str]) -> bytes:
    return b"](" + b"".join(map(text, values)) + b"e"


@dataclass(frozen=True)
class Cifar:
    """The files by name, and the images (3, 3, 32, 32) of each class, those of train first."""

    files: dict[str, bytes]
    images: dict[str, NDArray[np.uint8]]

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


def made(fine: list[str], coarse: list[str], above: dict[str, str]) -> Cifar:
    """Returns files with EACH images of each class, in an order of their own."""
    rng = np.random.default_rng(0)
    images = {name: rng.integers(0, 256, (3, 3, 32, 32), dtype=np.uint8) for name in fine}
    meta = dictionary(fine_label_names=texts(fine), coarse_label_names=texts(coarse))
    files = {"meta": meta}
    for part, rows in (("train", (0, 1)), ("test", (2,))):
        order = [(name, row) for row in rows for name in reversed(fine)]
        pixels = np.stack([images[name][row].reshape(-1) for name, row in order])
        files[part] = dictionary(
            filenames=texts([f"{name}_{row}.png" for name, row in order]),
            batch_label=text("a part"),
            fine_labels=integers([fine.index(name) for name, _ in order]),
            coarse_labels=integers([coarse.index(above[name]) for name, _ in order]),
            data=array(pixels),
        )
    return Cifar(files, images)


def known(cifar: Cifar, module: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """Makes the dataset take the files for the published ones."""
    digests = {n: hashlib.md5(c).hexdigest() for n, c in cifar.files.items()}
    patch.setattr(module, "FILES", digests)
    patch.setattr(module, "PARTS", EACH)


def hostile(path: Path) -> bytes:
    """Returns a pickle that makes a file when it is read carelessly."""

    class Caller:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            import os

            return os.mkdir, (str(path),)

    return pickle.dumps({"data": Caller()}, protocol=2)

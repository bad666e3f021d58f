"""Small files laid out as those of EMNIST, KMNIST and K49, with all labels.

Each writer returns the images of each label, upright, the publisher's training images first.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Arrays = NDArray[np.uint8]


@dataclass(frozen=True)
class Split:
    """One of the publisher's partitions."""

    images: Arrays
    labels: Arrays


def make(labels: int, train: int, test: int) -> tuple[Split, Split, list[Arrays]]:
    """Returns both partitions and, for each label, its images in their order."""
    rng = np.random.default_rng(labels)
    parts = []
    for each in (train, test):
        order = rng.permutation(np.repeat(np.arange(labels, dtype=np.uint8), each))
        images = rng.integers(0, 256, (len(order), 28, 28), dtype=np.uint8)
        parts.append(Split(images, order))
    by_label = [
        np.concatenate([part.images[part.labels == label] for part in parts])
        for label in range(labels)
    ]
    return parts[0], parts[1], by_label


def idx(values: Arrays) -> bytes:
    """Returns an array in the format of MNIST: a magic number, the sizes, the bytes."""
    head = struct.pack(">BBBB", 0, 0, 8, values.ndim)
    return head + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def kmnist_files() -> tuple[dict[str, bytes], list[Arrays]]:
    train, test, images = make(10, 3, 2)
    return {
        "train-images-idx3-ubyte": idx(train.images),
        "train-labels-idx1-ubyte": idx(train.labels),
        "t10k-images-idx3-ubyte": idx(test.images),
        "t10k-labels-idx1-ubyte": idx(test.labels),
    }, images


def emnist_files() -> tuple[dict[str, bytes], list[Arrays]]:
    """Returns the balanced set's files, their images transposed as the publisher's are."""
    train, test, images = make(47, 3, 2)
    files = {}
    for name, part in (("train", train), ("test", test)):
        turned = np.ascontiguousarray(part.images.transpose(0, 2, 1))
        files[f"emnist-balanced-{name}-images-idx3-ubyte"] = idx(turned)
        files[f"emnist-balanced-{name}-labels-idx1-ubyte"] = idx(part.labels)
    return files, images


def k49_files() -> tuple[dict[str, bytes], list[Arrays]]:
    train, test, images = make(49, 3, 2)
    files = {}
    for name, part in (("train", train), ("test", test)):
        files[f"k49-{name}-imgs.npz"] = npz(part.images)
        files[f"k49-{name}-labels.npz"] = npz(part.labels)
    return files, images


def npz(values: NDArray[np.generic]) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, values)
    return file.getvalue()


def as_they_are(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def gzipped(folder: Path, files: dict[str, bytes]) -> None:
    as_they_are(folder, {f"{name}.gz": gzip.compress(data, 1) for name, data in files.items()})


def zipped(folder: Path, files: dict[str, bytes]) -> None:
    """Writes the archive that EMNIST comes in."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "gzip.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(f"gzip/{name}.gz", gzip.compress(content, 1))


@dataclass(frozen=True)
class Fake:
    """A dataset, its files, the folder they lie in, and the layouts they may have."""

    name: str
    files: Callable[[], tuple[dict[str, bytes], list[Arrays]]]
    folder: str
    layouts: tuple[Callable[[Path, dict[str, bytes]], None], ...]
    images: int
    """What the plugin's constant IMAGES is for these files."""
    splits: tuple[int, int, int]
    needs: str


CHARACTERS = (
    Fake("kmnist", kmnist_files, "KMNIST/raw", (as_they_are, gzipped), 5, (0, 0, 10), "train-imag"),
    Fake("k49", k49_files, "K49", (as_they_are,), 245, (27, 8, 14), "k49-train-imgs.npz"),
    Fake(
        "emnist",
        emnist_files,
        "EMNIST/raw",
        (as_they_are, gzipped, zipped),
        5,
        (18, 7, 10),
        "gzip.zip",
    ),
)

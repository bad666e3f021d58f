"""EMNIST: handwritten letters and digits, after MNIST (Cohen et al. 2017)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from bench import BenchError, DataFiles, Dataset, Download, Split, hookimpl, import_extra, open_tree

from ._characters import CURE, Characters, Part, unpacked

IMAGES = 2800
PUBLISHED = "balanced"
FOLDER = "EMNIST/raw"
URL = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
NAMES = tuple(
    f"emnist-{PUBLISHED}-{part}-{kind}-ubyte"
    for part in ("train", "test")
    for kind in ("images-idx3", "labels-idx1")
)
CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
"""The character behind each label; the small letters that are not here count as capitals."""

TEST = "0123456789"
VAL = "AaCEeJP"
LEFT_OUT = "BbDGgILOQqSZ"
"""Letters that look like a digit: 8, 6, 0, 6, 9, 1, 1, 0, 0, 9, 5, 2."""


class EMNIST(Characters):
    """Handwritten letters and digits, 28x28, ink 255 on 0: train on letters, test on the digits.

    It is the publisher's balanced set, 2,800 images of each class, where small letters that look
    like their capitals are one class with them. 18 letters train, 7 validate and 10 digits test,
    a split of our own, which no paper has; 12 letters that look like a digit are left out. Images
    are turned upright: the publisher's are transposed.

    Args:
        most: images per character, the first in the publisher's order; 0 for all 2,800.
    """

    name = "emnist"
    paper = "Cohen et al. 2017, arXiv:1702.05373"
    licence = "none stated; made from NIST Special Database 19 of the United States' government"

    def labelled(self) -> tuple[str, ...]:
        return tuple(map(unicodedata.name, CHARACTERS))

    def split_of(self) -> Mapping[str, Split]:
        return {
            unicodedata.name(one): "val" if one in VAL else "test" if one in TEST else "train"
            for one in CHARACTERS
            if one not in LEFT_OUT
        }

    def downloads(self) -> tuple[Download, ...]:
        digest = "md5:58c8d27c78d21e728a6bc7b3cc06412e"
        return (Download(f"{FOLDER}/gzip.zip", (URL,), digest, size=561_753_746),)

    def parts(self, files: DataFiles) -> list[Part]:
        loader = import_extra("torchvision.datasets").EMNIST
        with unpacked({f"{FOLDER}/{name}": self._file(name, files) for name in NAMES}) as root:
            loaded = [
                self.read(partial(loader, root, split=PUBLISHED, train=train))
                for train in (True, False)
            ]
        return [
            Part(one.data.numpy().transpose(0, 2, 1), one.targets.numpy().astype(np.int64))
            for one in loaded
        ]

    def _file(self, name: str, files: DataFiles) -> Path | bytes:
        """Returns where a file is, unpacked or not, or its packed bytes in the archive."""
        found = files.find(f"{FOLDER}/{name}", f"{FOLDER}/{name}.gz", f"{FOLDER}/gzip/{name}.gz")
        if found:
            return found
        (download,) = self.downloads()
        path = files.obtain(download)
        try:
            return open_tree(path).read(f"gzip/{name}.gz")
        except BenchError as error:
            raise BenchError(f"{error}; {CURE}") from error

    def complaint(self, counts: list[int]) -> str:
        odd = [count for count in counts if count != IMAGES]
        return f"{odd[0]} images of one character, not {IMAGES}" if odd else ""


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [EMNIST]

"""Kuzushiji-MNIST: ten old Japanese characters, 7,000 images of each (Clanuwat et al. 2018)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from bench import DataFiles, Dataset, Download, Split, hookimpl, import_extra

from ._characters import Characters, Part, unpacked

IMAGES = 7000
FOLDER = "KMNIST/raw"
URL = "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"
HIRAGANA = "おきすつなはまやれを"
"""The character behind each label."""
FILES = {
    "train-images-idx3-ubyte": (
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        18_165_135,
    ),
    "train-labels-idx1-ubyte": (
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        29_497,
    ),
    "t10k-images-idx3-ubyte": (
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        3_041_136,
    ),
    "t10k-labels-idx1-ubyte": (
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        5_120,
    ),
}


class KMNIST(Characters):
    """Ten hiragana in old Japanese handwriting, 28x28, ink 255 on 0: a test split only.

    For methods that were trained on something else: --test-data kmnist. Its characters are the test
    split of k49, under the same names, and in no other split of it, so that who trains on k49 has
    not seen them; another split of k49 may well have them.

    Args:
        most: images per character, the first in the publisher's order; 0 for all 7,000.
    """

    name = "kmnist"
    paper = "Clanuwat et al. 2018, arXiv:1812.01718"
    licence = "CC BY-SA 4.0: KMNIST Dataset (created by CODH), adapted from Kuzushiji Dataset"

    def labelled(self) -> tuple[str, ...]:
        return tuple(map(unicodedata.name, HIRAGANA))

    def split_of(self) -> Mapping[str, Split]:
        return dict.fromkeys(self.labelled(), "test")

    def downloads(self) -> tuple[Download, ...]:
        return tuple(
            Download(f"{FOLDER}/{name}.gz", (f"{URL}{name}.gz",), f"sha256:{digest}", size=size)
            for name, (digest, size) in FILES.items()
        )

    def parts(self, files: DataFiles) -> list[Part]:
        loader = import_extra("torchvision.datasets").KMNIST
        found: dict[str, Path | bytes] = {}
        for name, download in zip(FILES, self.downloads(), strict=True):
            place = f"{FOLDER}/{name}"
            found[place] = files.find(place) or files.obtain(download)
        with unpacked(found) as root:
            loaded = [self.read(partial(loader, root, train=train)) for train in (True, False)]
        return [Part(one.data.numpy(), one.targets.numpy().astype(np.int64)) for one in loaded]

    def complaint(self, counts: list[int]) -> str:
        odd = [count for count in counts if count != IMAGES]
        return f"{odd[0]} images of one character, not {IMAGES}" if odd else ""


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [KMNIST]

"""Kuzushiji-49: 49 old Japanese characters, 270,912 images (Clanuwat et al. 2018)."""

from __future__ import annotations

import unicodedata
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import BenchError, DataFiles, Dataset, Download, Split, hookimpl

from ._characters import Characters, Part

IMAGES = 270_912
FOLDER = "K49"
URL = "http://codh.rois.ac.jp/kmnist/dataset/k49/"
# Digests that several programs agree on; the publisher gives none.
FILES = {
    "k49-train-imgs.npz": "7ac088b20481cf51dcd01ceaab89d821",
    "k49-train-labels.npz": "44a8e1b893f81e63ff38d73cad420f7a",
    "k49-test-imgs.npz": "d352e201d846ce6b94f42c990966f374",
    "k49-test-labels.npz": "4da6f7a62e67a832d5eb1bd85c5ee448",
}
HIRAGANA = (
    "あいうえおかきくけこさしすせそたちつてとなにぬねの"
    "はひふへほまみむめもやゆよらりるれろわゐゑをんゝ"
)
"""The character behind each label."""

# Our own split: all others are train. Characters that look alike in print are in one split.
VAL = "ぬめるろゐゑいり"
TEST = "おきすつなはまやれを" + "さほねわ"
"""The ten of kmnist, and those that look like one of them."""


class K49(Characters):
    """49 hiragana in old Japanese handwriting, 28x28, ink 255 on 0, with a split of our own.

    27 characters train, 8 validate and 14 test; no paper has this split. Those that look alike in
    print are in one split, and the ten of kmnist are all in test, under the same names: who trains
    on k49 and tests on kmnist tests on classes that were not seen.

    Args:
        most: images per character, the first in the publisher's order; 0 for all, which are from a
            few hundred to 7,000.
    """

    name = "k49"
    paper = "Clanuwat et al. 2018, arXiv:1812.01718"
    licence = "CC BY-SA 4.0: KMNIST Dataset (created by CODH), adapted from Kuzushiji Dataset"

    def labelled(self) -> tuple[str, ...]:
        return tuple(map(unicodedata.name, HIRAGANA))

    def split_of(self) -> Mapping[str, Split]:
        return {
            unicodedata.name(one): "val" if one in VAL else "test" if one in TEST else "train"
            for one in HIRAGANA
        }

    def downloads(self) -> tuple[Download, ...]:
        return tuple(
            Download(f"{FOLDER}/{name}", (f"{URL}{name}",), f"md5:{digest}")
            for name, digest in FILES.items()
        )

    def parts(self, files: DataFiles) -> list[Part]:
        paths = [
            files.find(f"{FOLDER}/{name}", name) or files.obtain(download)
            for name, download in zip(FILES, self.downloads(), strict=True)
        ]
        train_images, train_labels, test_images, test_labels = map(_array, paths)
        return [
            Part(train_images, train_labels.astype(np.int64)),
            Part(test_images, test_labels.astype(np.int64)),
        ]

    def complaint(self, counts: list[int]) -> str:
        return "" if sum(counts) == IMAGES else f"{sum(counts)} images, not {IMAGES}"


def _array(path: Path) -> NDArray[np.uint8]:
    """Returns the one array in a file."""
    try:
        with np.load(path, allow_pickle=False) as content:
            values: NDArray[np.uint8] = content["arr_0"]
            return values
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise BenchError(
            f"{path} cannot be read ({error}); delete it and fetch it again"
        ) from error


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [K49]

"""Describable Textures: 47 words for textures, 120 pictures of each (Cimpoi et al. 2014)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import Dataset, Download, Split, hookimpl, import_extra

from ._photos import Photo, Photos, names_in, splits_by_name

WORDS, IMAGES = 47, 120
PARTS = ("train", "val", "test")
FILE = "dtd-r1.0.1.tar.gz"
URL = f"https://www.robots.ox.ac.uk/~vgg/data/dtd/download/{FILE}"

# The split of Meta-Dataset (Triantafillou et al. 2020); all others are train
# (github.com/google-research/meta-dataset, dataset_conversion/splits/dtd_splits.json).
VAL = names_in("gauzy; grid; lined; paisley; porous; scaly; spiralled")
TEST = names_in("banded; bumpy; crosshatched; knitted; sprinkled; stratified; woven")


class DTD(Photos):
    """Pictures of textures under 47 words, 120 under each, with Meta-Dataset's split of the words.

    33 words train, 7 validate and 7 test. The publisher's own partitions of the pictures are
    joined, as in Meta-Dataset.

    Args:
        side: of the pictures, in pixels; proportions are not kept.
        resampling: how the pictures are shrunk; Pillow's filter.
    """

    name = "dtd"
    paper = "Cimpoi et al. 2014, CVPR; split: Triantafillou et al. 2020, arXiv:1903.03096"
    licence = "for research purposes, as its publisher says; pictures from the web"
    sentinel = "dtd/dtd/images"

    def class_count(self) -> int:
        return WORDS

    def downloads(self) -> tuple[Download, ...]:
        digest = "sha256:e42855a52a4950a3b59612834602aa253914755c95b0cff9ead6d07395f8e205"
        return (Download(FILE, (URL,), digest, "dtd/dtd", 625_239_812),)

    def named(self, base: Path) -> list[tuple[str, Split]]:
        return splits_by_name(self._part(base, "train").classes, VAL, TEST)

    def photos(self, base: Path) -> Iterable[Photo]:
        for part in PARTS:
            data = self._part(base, part)
            # No public name gives the paths without decoding what is there.
            yield from map(Photo, data._image_files, data._labels)

    def complaint(self, counts: list[int]) -> str:
        odd = [count for count in counts if count != IMAGES]
        return f"{odd[0]} pictures listed under one word, not {IMAGES}" if odd else ""

    def _part(self, base: Path, part: str) -> Any:
        textures = import_extra("torchvision.datasets").DTD
        return self.listed(lambda: textures(base, split=part))  # the first of its ten partitions


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [DTD]

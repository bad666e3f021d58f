"""Caltech-UCSD Birds-200-2011 (Wah, Branson, Welinder, Perona, Belongie 2011): 200 birds."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from PIL import Image

from bench import (
    BenchError,
    ClassExamples,
    DataFiles,
    Dataset,
    Download,
    FileTree,
    ImageForm,
    Picture,
    PictureClass,
    Split,
    decoded,
    hookimpl,
    open_tree,
)

from ._repeats import Repeats

SPECIES, IMAGES = 200, 11_788
LARGEST = 10_000_000
"""Pixels; the photos have far fewer."""
FOLDER = "CUB_200_2011"
DOWNLOAD = Download(
    file=f"{FOLDER}.tgz",
    urls=("https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",),
    digest="md5:97eceeb196236b17998738112f37df78",
    unpack=FOLDER,
    size=1_150_585_339,
)
CURE = f"delete it, so that {DOWNLOAD.file} is unpacked or fetched again"

# The split of Meta-Dataset (Triantafillou et al. 2020; github.com/google-research/meta-dataset,
# meta_dataset/dataset_conversion/splits/cu_birds_splits.json), by the numbers of the species.
META_VAL = (
    "44 51 52 55 57 61 64 66 68 72 76 80 84 96 113 121 127 136 140 145 150 155 159 162 172 176 "
    "178 198 199 200"
)
META_TEST = (
    "8 9 15 20 28 30 35 39 45 46 82 85 94 101 103 112 118 122 128 133 134 137 147 148 163 168 "
    "169 170 193 194"
)


class Cub(Dataset):
    """Photos of 200 species of birds, 41 to 60 of each, 11,788 in all, in colour.

    The split of Chen et al. 2019 has 100 species for training, 50 for validation and 50 for test,
    by turns; that of Meta-Dataset 140, 30 and 30. Published pipelines differ: Chen et al. 2019 take
    whole photos, Triantafillou et al. 2017 and Ye et al. 2020 (FEAT) the bounding boxes, which is
    easier. Compare only what was prepared alike.

    Args:
        split: chen (Chen et al. 2019, A Closer Look at Few-shot Classification) or meta-dataset.
        crop: whether photos are cut to the bounding box of the bird.
        side: of the images, in pixels.
        fit: how photos become square: stretch (proportions are lost), crop (the middle) or pad.
        resampling: Pillow's filter.
    """

    name = "cub"
    paper = "Wah et al. 2011, CNS-TR-2011-001; split: Chen et al. 2019, arXiv:1904.04232"
    licence = "photos belong to their owners; for non-commercial research and education"

    def __init__(
        self,
        *,
        split: Literal["chen", "meta-dataset"] = "chen",
        crop: bool = False,
        side: int = 84,
        fit: Literal["stretch", "crop", "pad"] = "stretch",
        resampling: Literal["bilinear", "bicubic", "lanczos", "nearest"] = "bilinear",
    ) -> None:
        self.split, self.crop, self.side = split, crop, side
        self.fit, self.resampling = fit, resampling
        self._repeats = Repeats()

    def class_count(self) -> int:
        return SPECIES

    def form(self) -> ImageForm:
        return ImageForm(self.side, self.side, fit=self.fit, resampling=self.resampling)

    def downloads(self) -> tuple[Download, ...]:
        return (DOWNLOAD,)

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        tree = open_tree(locate(files))
        boxes = read_boxes(tree) if self.crop else {}
        species = read_species(tree)
        classes = (
            PictureClass(name, split, tuple(_picture(tree, n, boxes) for n in species[name]))
            for split in ("test", "val", "train")
            for name in species
            if self._split_of(int(name[:3])) == split
        )
        self._repeats = Repeats()
        yield from self._repeats.apart(decoded(classes, self.form()))

    def remarks(self) -> tuple[str, ...]:
        return (
            "birds are among the classes of ImageNet, some of the photos too: a backbone that was "
            "trained on ImageNet may know those of test",
            *self._repeats.remarks(),
        )

    def _split_of(self, number: int) -> Split:
        """Returns the split of a species by its number, from 1."""
        if self.split == "chen":  # where numbers begin at 0: even train, 1 of 4 val, 3 of 4 test
            return "train" if number % 2 else "test" if number % 4 == 0 else "val"
        name = str(number)
        test, val = META_TEST.split(), META_VAL.split()
        return "test" if name in test else "val" if name in val else "train"


def locate(files: DataFiles) -> Path:
    """Returns the folder that has the folder `images`, fetching and unpacking it if need be."""
    places = (f"{FOLDER}/{FOLDER}", FOLDER, f"cub/{FOLDER}", "cub")
    found = files.find(*(f"{place}/images" for place in places))
    if found is None:
        unpacked = files.obtain(DOWNLOAD)
        found = files.find(*(f"{place}/images" for place in places))
        if found is None:
            raise BenchError(f"{unpacked} has no folder images; {CURE}")
    return found.parent


def read_species(tree: FileTree) -> dict[str, tuple[str, ...]]:
    """Returns the species by name, such as `001.Black_footed_Albatross`, with their files.

    Raises:
        BenchError: there are other species or fewer images than published.
    """
    found: dict[str, list[str]] = {}
    for name in tree.names:
        parts = name.split("/")
        if len(parts) == 3 and parts[0] == "images" and name.lower().endswith(".jpg"):
            found.setdefault(parts[1], []).append(name)
    numbers = [name[:3] for name in sorted(found)]
    if numbers != [f"{number:03d}" for number in range(1, SPECIES + 1)]:
        raise BenchError(
            f"{tree.path}/images has {len(found)} folders of species with photos, not {SPECIES} "
            f"such as 001.Black_footed_Albatross; {CURE}"
        )
    count = sum(map(len, found.values()))
    if count != IMAGES:
        raise BenchError(f"{tree.path}/images has {count:,} photos, not {IMAGES:,}; {CURE}")
    return {name: tuple(found[name]) for name in sorted(found)}


@dataclass(frozen=True)
class Box:
    """A bounding box in pixels: its left upper corner, width and height."""

    left: float
    top: float
    width: float
    height: float


def read_boxes(tree: FileTree) -> dict[str, Box]:
    """Returns the bounding box of each photo, by its path in the tree.

    Raises:
        BenchError: images.txt or bounding_boxes.txt is missing or damaged.
    """
    names = dict(line.split() for line in _lines(tree, "images.txt", 2))
    boxes: dict[str, Box] = {}
    for line in _lines(tree, "bounding_boxes.txt", 5):
        number, *sides = line.split()
        try:
            boxes[f"images/{names[number]}"] = Box(*map(float, sides))
        except (KeyError, ValueError) as error:
            raise BenchError(f"bounding_boxes.txt in {tree.path}: '{line}'; {CURE}") from error
    return boxes


def _lines(tree: FileTree, name: str, words: int) -> list[str]:
    lines = tree.read(name).decode("utf-8", "replace").splitlines()
    wrong = [line for line in lines if len(line.split()) != words]
    if wrong:
        raise BenchError(f"{name} in {tree.path} has a line '{wrong[0][:60]}'; {CURE}")
    return lines


def _picture(tree: FileTree, name: str, boxes: dict[str, Box]) -> Picture:
    read = partial(tree.read, name)
    if not boxes:
        return Picture(name, read)
    if name not in boxes:
        raise BenchError(f"bounding_boxes.txt in {tree.path} has no box for {name}; {CURE}")
    return Picture(name, partial(_cropped, read, boxes[name]))


def _cropped(read: Callable[[], bytes], box: Box) -> bytes:
    """Returns the part of a photo within the box as a PNG, which loses nothing."""
    content = read()
    try:
        photo: Image.Image = Image.open(io.BytesIO(content))
        if photo.width * photo.height > LARGEST:
            return content
        photo = photo.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return content  # what is wrong with it is told when it is decoded
    right = min(photo.width, round(box.left + box.width))
    bottom = min(photo.height, round(box.top + box.height))
    corner = (min(max(0, round(box.left)), right - 1), min(max(0, round(box.top)), bottom - 1))
    file = io.BytesIO()
    photo.crop((*corner, right, bottom)).save(file, "PNG", compress_level=1)
    return file.getvalue()


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Cub]

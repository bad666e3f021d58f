"""CIFAR-100 (Krizhevsky 2009): 100 classes in 20 superclasses, 600 images 32x32 of each.

Its publisher serves pickles. Their md5 is checked, but md5 keeps nobody from making another file
of the same md5, and folders may hold whatever somebody put there: so they are read without calling
anything that they name, not by torchvision's loader, which unpickles them.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import BenchError, ClassExamples, DataFiles, Dataset, Download, ImageForm, Split

from ._pickles import as_text, read_pickle
from ._repeats import Repeats

SIDE = 32
PARTS = {"train": 500, "test": 100}
"""Images of each class in the two files; both together make up a class here."""

FOLDER = "cifar-100-python"
DOWNLOAD = Download(  # URL, md5 and those of the files as in torchvision's CIFAR100
    file=f"{FOLDER}.tar.gz",
    urls=("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",),
    digest="md5:eb9058c3a382ffc7106e4002c42a8d85",
    unpack=FOLDER,
    size=169_001_437,
)
FILES = {
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
}

ABOVE = ("cifar100", "cifar-100", "CIFAR100")
"""Folders below the data root that torchvision's users keep it in; else it is right there."""

SUPERCLASSES: dict[str, tuple[str, ...]] = {
    name: tuple(classes.split())
    for name, classes in {
        "aquatic_mammals": "beaver dolphin otter seal whale",
        "fish": "aquarium_fish flatfish ray shark trout",
        "flowers": "orchid poppy rose sunflower tulip",
        "food_containers": "bottle bowl can cup plate",
        "fruit_and_vegetables": "apple mushroom orange pear sweet_pepper",
        "household_electrical_devices": "clock keyboard lamp telephone television",
        "household_furniture": "bed chair couch table wardrobe",
        "insects": "bee beetle butterfly caterpillar cockroach",
        "large_carnivores": "bear leopard lion tiger wolf",
        "large_man-made_outdoor_things": "bridge castle house road skyscraper",
        "large_natural_outdoor_scenes": "cloud forest mountain plain sea",
        "large_omnivores_and_herbivores": "camel cattle chimpanzee elephant kangaroo",
        "medium_mammals": "fox porcupine possum raccoon skunk",
        "non-insect_invertebrates": "crab lobster snail spider worm",
        "people": "baby boy girl man woman",
        "reptiles": "crocodile dinosaur lizard snake turtle",
        "small_mammals": "hamster mouse rabbit shrew squirrel",
        "trees": "maple_tree oak_tree palm_tree pine_tree willow_tree",
        "vehicles_1": "bicycle bus motorcycle pickup_truck train",
        "vehicles_2": "lawn_mower rocket streetcar tank tractor",
    }.items()
}
CLASSES = tuple(sorted(name for classes in SUPERCLASSES.values() for name in classes))
"""By their numbers in the files; those of the superclasses are in order of the alphabet, too."""

_ABOVE = {name: superclass for superclass, names in SUPERCLASSES.items() for name in names}


def superclass(name: str) -> str:
    """Returns the superclass of a class."""
    return _ABOVE[name]


class Cifar100(Dataset):
    """All images of CIFAR-100, in whatever split of the classes; their groups are superclasses."""

    licence = "none stated by the publisher; see cs.toronto.edu/~kriz/cifar.html"

    def __init__(self) -> None:
        self._repeats = Repeats()

    @abstractmethod
    def splits(self) -> dict[Split, tuple[str, ...]]:
        """Returns the classes of each split, those of test first and those of train last."""

    def class_count(self) -> int:
        return len(CLASSES)

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        images = dict(read(files))
        self._repeats = Repeats()
        yield from self._repeats.apart(
            ClassExamples(name, split, images[name])
            for split, names in self.splits().items()
            for name in names
        )

    def group(self, name: str) -> str:
        """Returns the superclass."""
        return superclass(name)

    def form(self) -> ImageForm:
        return ImageForm(SIDE, SIDE)

    def downloads(self) -> tuple[Download, ...]:
        return (DOWNLOAD,)

    def remarks(self) -> tuple[str, ...]:
        return self._repeats.remarks()


@dataclass(frozen=True)
class Part:
    """One of the files: images (n, 3, 32, 32) and the number of the class of each."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def read(files: DataFiles) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yields each class and its images (600, 3, 32, 32), in order of their names.

    Raises:
        BenchError: the files are missing, and cannot be fetched, or are not the published ones.
    """
    folder = _locate(files)
    for name, digest in FILES.items():
        _check_known(folder / name, digest)
    _check_names(folder / "meta")
    parts = [_read_part(folder / name, each) for name, each in PARTS.items()]
    for number, name in enumerate(CLASSES):
        yield name, np.concatenate([part.images[part.labels == number] for part in parts])


def _locate(files: DataFiles) -> Path:
    """Returns the folder that holds the files, fetching and unpacking it if need be."""
    return files.find(*(f"{above}/{FOLDER}" for above in ABOVE)) or files.obtain(DOWNLOAD)


def _check_known(path: Path, digest: str) -> None:
    if not path.is_file():
        raise BenchError(
            f"there is no file {path}; put the files {', '.join(FILES)} of {DOWNLOAD.file} there, "
            "or delete the folder so that they are fetched again"
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != digest:
        raise BenchError(
            f"{path} is not the published file (md5 {found}, not {digest}); "
            "delete its folder and fetch it again"
        )


def _check_names(path: Path) -> None:
    """Raises BenchError unless the classes have the numbers that they have here."""
    meta = _dict(path)
    for key, known in (("fine_label_names", CLASSES), ("coarse_label_names", SUPERCLASSES)):
        names = meta.get(key)
        if not isinstance(names, list) or [as_text(name) for name in names] != list(known):
            raise BenchError(f"{path} names other classes than those of CIFAR-100; fetch it again")


def _read_part(path: Path, each: int) -> Part:
    """Returns one of the files, checked: `each` images of each class, under its superclass."""
    content = _dict(path)
    pixels, count = content.get("data"), each * len(CLASSES)
    fine, coarse = (_labels(content.get(f"{kind}_labels"), count) for kind in ("fine", "coarse"))
    known = [list(SUPERCLASSES).index(superclass(name)) for name in CLASSES]
    if (
        not isinstance(pixels, np.ndarray)
        or pixels.dtype != np.uint8
        or pixels.shape != (count, 3 * SIDE * SIDE)
        or (np.bincount(fine, minlength=1).tolist() != [each] * len(CLASSES))
        or (np.array(known)[fine] != coarse).any()
    ):
        raise BenchError(
            f"{path} does not hold {each} images of {SIDE}x{SIDE} pixels of each of the "
            f"{len(CLASSES)} classes; delete its folder and fetch it again"
        )
    return Part(pixels.reshape(-1, 3, SIDE, SIDE), fine)


def _labels(found: object, count: int) -> NDArray[np.int64]:
    """Returns the labels as an array; an empty one if they are not whole numbers, or too few."""
    whole = isinstance(found, list) and all(isinstance(n, int) and 0 <= n < 100 for n in found)
    if not isinstance(found, list) or not whole or len(found) != count:
        return np.zeros(0, dtype=np.int64)
    return np.array(found, dtype=np.int64)


def _dict(path: Path) -> dict[str, object]:
    content = read_pickle(path)
    if not isinstance(content, dict):
        raise BenchError(f"{path} holds no dict; delete its folder and fetch it again")
    return content

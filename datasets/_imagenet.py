"""A local ImageNet: the training images of ILSVRC 2012, in folders or tars, class by class.

Its images are not for everybody, so nothing is ever fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import BenchError, DataFiles, FileTree, Picture, open_tree

from ._tars import open_tar, stretches

LICENCE = (
    "images of ImageNet: for non-commercial research, as image-net.org grants it to each; they may "
    "not be passed on"
)
_WHOLE = "ILSVRC2012_img_train.tar"
_FOLDER = "ILSVRC2012_img_train"
_INNER = ("", "train", "Data/CLS-LOC/train", "ILSVRC/Data/CLS-LOC/train", _FOLDER, _WHOLE)
_OUTER = ("imagenet", "ImageNet", "ILSVRC2012", "ILSVRC", _FOLDER, _WHOLE)
_CLASS = re.compile(r"(?:.*/)?(n\d{8})(\.tar)?")


@dataclass(frozen=True)
class ImageNet:
    """The classes at `path` by their WordNet numbers, such as n01532829, each with its files."""

    path: Path
    classes: dict[str, Callable[[], FileTree]]

    def photos(self, wnid: str) -> tuple[Picture, ...]:
        """Returns the images of a class, in the order of the numbers in their names.

        Raises:
            BenchError: there is no such class, or its tar is damaged.
        """
        if wnid not in self.classes:
            raise BenchError(f"{self.path} has no class {wnid}; it is not the whole ImageNet")
        tree = self.classes[wnid]()
        numbered = re.compile(rf"(?:.*/)?{wnid}_(\d+)\.(?:jpe?g|png)", re.IGNORECASE)
        found = [(int(m[1]), name) for name in tree.names if (m := numbered.fullmatch(name))]
        return tuple(Picture(f"{wnid}/{n}", partial(tree.read, n)) for _, n in sorted(found))


def find_imagenet(files: DataFiles, path: str) -> ImageNet:
    """Returns the ImageNet at the path that the user named, or else below the data root.

    Raises:
        BenchError: there is none; it says what is looked for.
    """
    bases = [files.given(path)] if path else [files.root / name for name in _OUTER]
    for base in bases:
        for inner in _INNER:
            place = base / inner if inner else base
            classes = _classes(place)
            if classes:
                return ImageNet(place, classes)
    where = f"in {bases[0]}" if path else f"in {files.root}/imagenet"
    raise BenchError(
        f"there is no ImageNet {where}: a folder with class folders such as n01532829, their tars, "
        f"or {_WHOLE} (138 GB); image-net.org gives it to researchers who ask, then name it with "
        "--set data.path=PATH, or take another data.source"
    )


def _classes(place: Path) -> dict[str, Callable[[], FileTree]]:
    """Returns the classes at a place; none if it is something else."""
    found: dict[str, Callable[[], FileTree]] = {}
    if place.is_dir():
        for path in sorted(place.iterdir()):
            match = _CLASS.fullmatch(path.name)
            if match and (path.is_file() if match[2] else path.is_dir()):
                found[match[1]] = partial(open_tar if match[2] else open_tree, path)
    elif place.is_file() and place.suffix == ".tar":
        for name, stretch in stretches(place).items():
            match = _CLASS.fullmatch(name)
            if match and match[2]:
                found[match[1]] = partial(open_tar, place, stretch.start)
    return found

"""mini-ImageNet as it circulates: images named as in the published list, class folders, pickles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import (
    BenchError,
    ClassExamples,
    DataFiles,
    FileTree,
    Picture,
    PictureClass,
    Split,
    open_tree,
)

from ._pickles import read_pickle
from ._tars import open_tar

PLACES = ("mini-imagenet", "mini_imagenet", "miniimagenet", "miniImagenet", "mini-ImageNet")
PICKLE = "mini-imagenet-cache-{}.pkl"
PICKLED_SIDE = 84
_ARCHIVES = (".zip", ".tar")
_LISTED = re.compile(r"(?:.*/)?(n\d{8})(\d{8})\.(?:jpe?g|png)", re.IGNORECASE)
_FOLDERS = re.compile(r"(?:.*/)?(train|val|test)/([^/]+)/[^/]+\.(?:jpe?g|png)", re.IGNORECASE)


@dataclass(frozen=True)
class Listed:
    """A class of the published list: its WordNet number, split, and the numbers of its images."""

    name: str
    split: Split
    numbers: tuple[int, ...]


def locate(files: DataFiles, path: str, source: str) -> Path:
    """Returns what the user named, or else what is below the data root: a folder or an archive.

    Raises:
        BenchError: there is none; it says what is looked for.
    """
    base = files.given(path) if path else files.find(*PLACES)
    if source == "pickles":
        if base is None or not (base / PICKLE.format("train")).is_file():
            raise BenchError(
                f"there is no {PICKLE.format('train')} in {base or files.root / PLACES[0]}; put it "
                f"there with those of val and test, or {_NAME_IT}"
            )
        return base
    if base is None:
        base = files.find(*(f"{place}{ending}" for place in PLACES for ending in _ARCHIVES))
    if base is None:
        raise BenchError(
            f"there is no {files.root / PLACES[0]}, a folder, .zip or .tar with the images named "
            f"as in the published list or in folders train, val and test; {_NAME_IT}"
        )
    inner = [base / f"images{ending}" for ending in ("", *_ARCHIVES)]
    return next((one for one in inner if one.exists()), base)


_NAME_IT = "name the place with --set data.path=PATH (nobody serves these files)"


def listed_pictures(path: Path, listed: tuple[Listed, ...]) -> Iterator[PictureClass]:
    """Yields the classes with their images, from names as in the list, or from class folders.

    Raises:
        BenchError: images or classes are missing, or there are others.
    """
    tree = open_tar(path) if path.suffix == ".tar" else open_tree(path)
    named = {
        (match[1], int(match[2])): name for name in tree.names if (match := _LISTED.fullmatch(name))
    }
    if not named:
        yield from _from_folders(tree, listed)
        return
    missing = [(c.name, n) for c in listed for n in c.numbers if (c.name, n) not in named]
    if missing:
        wnid, number = missing[0]
        count = sum(len(one.numbers) for one in listed)
        raise BenchError(
            f"{path} has {count - len(missing):,} of the {count:,} images of the list; "
            f"{wnid}{number:08d}.jpg, for one, is missing"
        )
    for one in listed:
        names = [named[one.name, number] for number in one.numbers]
        yield PictureClass(one.name, one.split, _pictures(tree, names))


def _from_folders(tree: FileTree, listed: tuple[Listed, ...]) -> Iterator[PictureClass]:
    """Yields what is in the class folders; their names are checked if they are WordNet numbers."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in tree.names:
        match = _FOLDERS.fullmatch(name)
        if match:
            found.setdefault((match[1].lower(), match[2]), []).append(name)
    for split in dict.fromkeys(one.split for one in listed):
        known = {one.name: len(one.numbers) for one in listed if one.split == split}
        mine = {name: paths for (where, name), paths in found.items() if where == split}
        strange = sorted(name for name in mine if name not in known)
        if len(mine) != len(known) or (strange and any(map(_is_wnid, mine))):
            other = f", such as {strange[0]}" if strange else ""
            raise BenchError(
                f"{tree.path} has {len(mine)} class folders in {split}{other}, not the "
                f"{len(known)} of the published split; files named as in its list would do, too"
            )
        each = next(iter(known.values()))
        for name, paths in sorted(mine.items()):
            if len(paths) != each:
                raise BenchError(
                    f"{split}/{name} in {tree.path} has {len(paths)} images, not {each}"
                )
            yield PictureClass(name, split, _pictures(tree, paths))


def _is_wnid(name: str) -> bool:
    return re.fullmatch(r"n\d{8}", name) is not None


def _pictures(tree: FileTree, names: list[str]) -> tuple[Picture, ...]:
    return tuple(Picture(f"{tree.path}/{name}", partial(tree.read, name)) for name in names)


def from_pickles(folder: Path, listed: tuple[Listed, ...], side: int) -> Iterator[ClassExamples]:
    """Yields the classes of the three pickles, each with its images (600, 3, 84, 84).

    Raises:
        BenchError: one is missing, not safe to read, or holds other classes or images.
    """
    if side != PICKLED_SIDE:
        raise BenchError(
            f"side is {side}, but the pickles hold images of {PICKLED_SIDE}x{PICKLED_SIDE}; leave "
            "it out, or take another source"
        )
    for split in dict.fromkeys(one.split for one in listed):
        path = folder / PICKLE.format(split)
        images, rows = _pickled(path)
        known = {one.name: len(one.numbers) for one in listed if one.split == split}
        if set(rows) != set(known):
            strange = sorted(set(rows) ^ set(known))
            raise BenchError(
                f"{path} does not hold the {len(known)} classes of {split} of the published split: "
                f"{strange[0]} is {'missing' if strange[0] in known else 'not one of them'}"
            )
        for name in sorted(rows):
            mine = rows[name]
            if len(np.unique(mine)) != known[name] or mine.min() < 0 or mine.max() >= len(images):
                raise BenchError(f"{path} does not have {known[name]} images of class {name}")
            pixels = np.ascontiguousarray(images[mine].transpose(0, 3, 1, 2))
            yield ClassExamples(name, split, pixels)


def _pickled(path: Path) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.int64]]]:
    """Returns the images (n, 84, 84, 3) in a pickle, and the rows of each class."""
    content = read_pickle(path)
    images = content.get("image_data") if isinstance(content, dict) else None
    rows = content.get("class_dict") if isinstance(content, dict) else None
    if (
        not isinstance(images, np.ndarray)
        or images.dtype != np.uint8
        or images.shape[1:] != (PICKLED_SIDE, PICKLED_SIDE, 3)
        or not isinstance(rows, dict)
    ):
        raise BenchError(
            f"{path} does not hold image_data, uint8 of n x {PICKLED_SIDE} x {PICKLED_SIDE} x 3, "
            "and class_dict"
        )
    try:
        return images, {name: np.array(numbers, dtype=np.int64) for name, numbers in rows.items()}
    except (TypeError, ValueError, OverflowError) as error:
        raise BenchError(f"class_dict in {path} does not hold whole numbers") from error

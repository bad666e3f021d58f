"""tieredImageNet as its authors pass it on: PNG files in pickles of several gigabytes, and labels.

Pickled labels are read without calling anything; images are read one by one where they lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import BenchError, DataFiles, Picture, PictureClass, Split

from ._pickled_pngs import PickledPngs, find_pngs
from ._pickles import as_text, read_pickle

PLACES = ("tiered-imagenet", "tiered_imagenet", "tieredimagenet", "tieredImageNet")
NAMES, NUMBERS = "class_names.txt", "synsets.txt"


def locate(files: DataFiles, path: str) -> Path:
    """Returns the folder that the user named, or else the one below the data root.

    Raises:
        BenchError: there is none, or it lacks files.
    """
    base = files.given(path) if path else files.find(*PLACES)
    place = base or files.root / PLACES[0]
    needed = [f"{split}_{kind}.pkl" for split in ("train", "val", "test") for kind in _KINDS]
    missing = [name for name in (*needed, NAMES, NUMBERS) if not (place / name).is_file()]
    if missing:
        raise BenchError(
            f"there is no {missing[0]} in {place}; put the files of tiered-imagenet.tar by Ren et "
            "al. 2018 there, or name their folder with --set data.path=PATH"
        )
    return place


_KINDS = ("images_png", "labels")


def from_pickles(
    folder: Path, split: Split, names: Sequence[str], count: int
) -> Iterator[PictureClass]:
    """Yields the classes of a split in the order of `names`, with `count` images in all.

    Raises:
        BenchError: a file is damaged, not safe to read, or holds other classes or images.
    """
    path = folder / f"{split}_labels.pkl"
    labels, called = _labels(path)
    wnids = _numbers(folder, called, names)
    if sorted(wnids) != sorted(names) or set(labels.tolist()) != set(range(len(names))):
        raise BenchError(f"{path} does not hold the {len(names)} classes of the published split")
    pngs = find_pngs(folder / f"{split}_images_png.pkl")
    if not len(pngs) == len(labels) == count:
        raise BenchError(
            f"{pngs.path} has {len(pngs):,} images and {path.name} {len(labels):,} labels, not "
            f"{count:,}"
        )
    for name in names:
        rows = np.flatnonzero(labels == wnids.index(name))
        yield PictureClass(name, split, _pictures(pngs, rows))


def _pictures(pngs: PickledPngs, rows: NDArray[np.int64]) -> tuple[Picture, ...]:
    return tuple(Picture(f"image {row} in {pngs.path}", pngs.reader(row)) for row in rows.tolist())


def _labels(path: Path) -> tuple[NDArray[np.integer], list[str]]:
    """Returns the number of the class of each image, and what the classes are called."""
    content = read_pickle(path)
    labels = content.get("label_specific") if isinstance(content, dict) else None
    called = content.get("label_specific_str") if isinstance(content, dict) else None
    whole = isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.dtype.kind in "iu"
    if not isinstance(labels, np.ndarray) or not whole or not isinstance(called, list):
        raise BenchError(
            f"{path} does not hold label_specific, whole numbers, and label_specific_str, a list"
        )
    return labels, [as_text(name) for name in called]


def _numbers(folder: Path, called: Sequence[str], known: Sequence[str]) -> list[str]:
    """Returns the WordNet numbers of classes by what they are called, among those that are known.

    Raises:
        BenchError: the two files do not tell one for each.
    """
    names, numbers = (_lines(folder / file) for file in (NAMES, NUMBERS))
    if len(names) != len(numbers):
        raise BenchError(
            f"{folder / NAMES} has {len(names)} lines and {NUMBERS} {len(numbers)}; they must be "
            "alike"
        )
    among, found = set(known), []
    for name in called:
        own = [number for n, number in zip(names, numbers, strict=True) if n == name]
        fit = [number for number in own if number in among]
        if len(fit) != 1:
            raise BenchError(
                f"{folder / NAMES} and {NUMBERS} give class '{name}' {len(fit)} WordNet numbers of "
                "the published split, not one"
            )
        found.append(fit[0])
    return found


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{path} cannot be read ({' '.join(str(error).split())})") from error

"""Folders of images: which files in a folder or zip are images, and of which class each is."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from bench import BenchError, FileTree, Split, may_be_image, open_tree

from ._image_files import ImageFile, Layout, counted, first_of

Grouping = Literal["none", "prefix", "folder"]

SPLIT_FOLDERS: dict[str, Split] = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}


@dataclass(frozen=True)
class _Placed:
    """An image file of a tree, and the folders around it, below the split if there are splits."""

    name: str
    folders: tuple[str, ...]
    split: Split | None


def tree_layout(path: Path, depth: int, grouping: Grouping) -> Layout:
    """Returns the image files of a folder or zip; `depth` folders name a class, 0: all of them.

    Raises:
        BenchError: there are none, or none in folders, or it is not plain which folders are
            classes.
    """
    tree = open_tree(path)
    passed = [name for name in tree.names if not may_be_image(name)]
    names = sorted(set(tree.names) - set(passed))
    if not names:
        other = f", but {_endings(passed)}" if passed else ""
        raise BenchError(f"{path} has no images{other}; name a folder with a folder for each class")
    least = max(1, depth)
    placed = _placed(names)
    kept = [one for one in placed if len(one.folders) >= least]
    stray = [one.name for one in placed if len(one.folders) < least]
    if not kept:
        raise BenchError(
            f"{path} has {counted(len(names), 'image')}, such as {names[0]}, but none within "
            f"{counted(least, 'folder')} that would name its class; put the images of each class "
            "into a folder of its name, or list them in a table with the columns path and class"
        )
    if not depth:
        _check_plain(path, kept)
    remarks = []
    if stray:
        files = counted(len(stray), "image")
        remarks.append(f"left out, as in no class's folder: {files} ({first_of(stray)})")
    if passed:
        remarks.append(f"passed over, as no images: {_endings(passed)}")
    images = [_image(tree, one, depth, grouping) for one in kept]
    images.sort(key=lambda one: (one.class_name, one.name))
    return Layout(path, tuple(images), tuple(remarks))


def _placed(names: Sequence[str]) -> list[_Placed]:
    """Returns the files with the folders that matter: not those that lie around everything."""
    folders = {name: PurePosixPath(name).parts[:-1] for name in names}
    while not _are_splits(folders.values()):
        inside = [parts for parts in folders.values() if parts]
        if len({parts[0] for parts in inside}) != 1 or any(len(parts) == 1 for parts in inside):
            return [_Placed(name, parts, None) for name, parts in folders.items()]
        folders = {name: parts[1:] for name, parts in folders.items()}
    return [
        _Placed(name, parts[1:], SPLIT_FOLDERS[parts[0].lower()] if parts else None)
        for name, parts in folders.items()
    ]


def _are_splits(folders: Iterable[tuple[str, ...]]) -> bool:
    """Tells whether all outermost folders are called like splits, and have folders in them."""
    found = [parts for parts in folders if parts]
    called = all(parts[0].lower() in SPLIT_FOLDERS for parts in found)
    return called and any(len(parts) > 1 for parts in found)


def _check_plain(path: Path, placed: Sequence[_Placed]) -> None:
    """Raises BenchError if a folder has images and a folder with images: is it one class?"""
    sizes = Counter(one.folders for one in placed)
    for inner in sorted(sizes):
        for cut in range(1, len(inner)):
            if inner[:cut] in sizes:
                raise BenchError(
                    f"in {path} the folder {'/'.join(inner[:cut])} has "
                    f"{counted(sizes[inner[:cut]], 'image')} of its own and more in "
                    f"{'/'.join(inner)}; say how many folders name a class: --set "
                    f"data.depth={cut} (all below it is one class) or --set data.depth={cut + 1} "
                    "(its own images are left out)"
                )


def _image(tree: FileTree, one: _Placed, depth: int, grouping: Grouping) -> ImageFile:
    own = one.folders[: depth or None]
    class_name = class_named("/".join(own))
    group = ""
    if grouping == "folder" and one.folders[len(own) :]:
        group = "/".join((class_name, *one.folders[len(own) :]))
    if grouping == "prefix":
        group = f"{class_name}/{prefix(PurePosixPath(one.name).stem)}"
    name = one.name.encode(errors="backslashreplace").decode()
    return ImageFile(name, class_name, one.split, group, tree.readers[one.name])


def prefix(stem: str) -> str:
    """Returns the part of a file's name before the last `_` or `-`, or all of it."""
    cut = max(stem.rfind("_"), stem.rfind("-"))
    return stem[:cut] if cut > 0 else stem


def class_named(folder: str) -> str:
    """Returns the class of a folder, such that one name, spelled in two ways, is one class.

    Raises:
        BenchError: the name is not Unicode.
    """
    try:
        folder.encode()
    except UnicodeEncodeError:
        readable = folder.encode(errors="backslashreplace").decode()
        raise BenchError(f"the name of the folder {readable} is not UTF-8; rename it") from None
    return unicodedata.normalize("NFC", folder)


def _endings(names: Sequence[str]) -> str:
    """Returns how many files of each ending there are: `3 files (2 .txt, 1 .db)`."""
    counts = Counter(PurePosixPath(name).suffix.lower() for name in names)
    parts = ", ".join(f"{count} {ending}" for ending, count in counts.most_common())
    return f"{counted(len(names), 'file')} ({parts})"

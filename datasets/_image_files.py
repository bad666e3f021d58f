"""Image files of a user: what is known of each before it is read, and tables that list them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import BenchError, Listing, Split


@dataclass(frozen=True)
class ImageFile:
    """An image file: its path for messages, its class, and its split and group, if it has any."""

    name: str
    class_name: str
    split: Split | None
    group: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Layout:
    """The image files below `path` or in the table there, sorted, and what is remarkable of them.

    `listing` is the table, if it is one.
    """

    path: Path
    images: tuple[ImageFile, ...]
    remarks: tuple[str, ...] = ()
    listing: Listing | None = None

    def by_class(self) -> dict[str, list[ImageFile]]:
        """Returns the files of each class, classes sorted."""
        found: dict[str, list[ImageFile]] = {}
        for one in self.images:
            found.setdefault(one.class_name, []).append(one)
        return found

    def splits(self) -> dict[str, Split] | None:
        """Returns the split that each class was given; None if none was.

        Raises:
            BenchError: a class is in two splits.
        """
        if self.listing:
            return self.listing.splits
        found: dict[str, ImageFile] = {}
        for one in self.images:
            other = found.setdefault(one.class_name, one)
            if other.split != one.split:
                raise BenchError(
                    f"{self.path} has class '{one.class_name}' in {other.split} and in "
                    f"{one.split} (such as {other.name} and {one.name}), but what is tested are "
                    "classes that training has not seen; to train and test on the same classes, "
                    "with other images, add --set data.classes=fixed"
                )
        return {name: one.split for name, one in found.items() if one.split} or None


def table_layout(listing: Listing) -> Layout:
    """Returns the image files that a table names, by paths from the table's folder.

    Paths may lead anywhere: it is the user's own machine.

    Raises:
        BenchError: some do not exist.
    """
    images, missing = [], []
    for one in listing.items:
        found = listed_file(listing.path.parent, one.item)
        if found is None:
            missing.append(one.item)
        else:
            read = partial(_content, found)
            images.append(ImageFile(one.item, one.class_name, one.split, one.group, read))
    if missing:
        raise BenchError(
            f"{len(missing)} of {len(listing.items)} files that {listing.path} names do not exist: "
            f"{first_of(missing)}; paths are taken from the table's folder"
        )
    images.sort(key=lambda i: (i.class_name, i.name))
    return Layout(listing.path, tuple(images), (), listing)


def listed_file(folder: Path, item: str) -> Path | None:
    """Returns the file that a table in `folder` names, however its accents are encoded, or None."""
    spellings = (item, *(unicodedata.normalize(form, item) for form in ("NFC", "NFD")))
    for spelling in (*spellings, item.replace("\\", "/")):
        path = folder / Path(spelling).expanduser()
        if path.is_file():
            return path
    return None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror or error})") from error


def first_of(names: Sequence[str], most: int = 3) -> str:
    """Returns the first names for a message, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def counted(count: int, one: str, many: str = "") -> str:
    """Returns `1 file` or `2 files`."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"

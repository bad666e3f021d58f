"""Support sets: a few pictures of each class, from a folder, a zip, a table or a mapping."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from bench.decoding import Picture
from bench.endings import TABLES, may_be_image
from bench.errors import BenchError
from bench.filetree import is_hidden, open_tree
from bench.imageform import ImageForm
from bench.listing import read_listing
from bench.photos import Photo, as_picture, passed_over, read_photos, some

SupportLike = str | os.PathLike[str] | Mapping[str, Sequence[Photo]]
"""A folder with a folder per class, a zip of such, a table of path and class; or the pictures of
each class by its name."""


@dataclass(frozen=True)
class SupportSet:
    """The known pictures: inputs (s, channels, height, width), of classes labels (s,).

    They are in the order of their digests, which depends on nothing but what they show.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    inputs: NDArray[np.uint8]
    labels: NDArray[np.int64]
    digests: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def counts(self) -> tuple[int, ...]:
        """The pictures of each class."""
        return tuple(np.bincount(self.labels, minlength=len(self.classes)).tolist())

    @property
    def places(self) -> dict[str, str]:
        """The name of each picture, by its digest."""
        return dict(zip(self.digests, self.names, strict=True))


def read_support(given: SupportLike, form: ImageForm) -> SupportSet:
    """Reads the pictures of the classes.

    Raises:
        BenchError: there are fewer than two classes, one has no picture, or a picture cannot be
            read.
    """
    pictures, remarks = _by_class(given)
    empty = [name for name, found in pictures.items() if not found]
    if empty:
        raise BenchError(f"class '{empty[0]}' has no pictures; give it at least one, or leave out")
    where = "the support" if isinstance(given, Mapping) else f"the support {os.fspath(given)}"
    if len(pictures) < 2:
        only = f"one class, '{next(iter(pictures))}'" if pictures else "no classes"
        raise BenchError(
            f"{where} has {only}; it needs two or more, a folder each: SUPPORT/CLASS/picture.jpg"
        )
    classes = tuple(sorted(pictures))
    labelled = [(label, one) for label, name in enumerate(classes) for one in pictures[name]]
    photos = read_photos([one for _, one in labelled], form)
    damaged = [photo.problem for photo in photos if photo.image is None]
    if damaged:
        raise BenchError(
            f"{len(damaged)} of {len(photos)} pictures of {where} cannot be read: "
            f"{some(damaged)}; replace or delete them"
        )
    order = sorted(range(len(photos)), key=lambda place: (photos[place].digest, labelled[place][0]))
    kept = SupportSet(
        classes,
        tuple(photos[place].name for place in order),
        np.stack([image for place in order if (image := photos[place].image) is not None]),
        np.array([labelled[place][0] for place in order]),
        tuple(photos[place].digest for place in order),
    )
    return SupportSet(
        kept.classes,
        kept.names,
        kept.inputs,
        kept.labels,
        kept.digests,
        (*remarks, *_twins(kept)),
    )


def _by_class(given: SupportLike) -> tuple[dict[str, list[Picture]], tuple[str, ...]]:
    """Returns the pictures of each class that the user named, and remarks."""
    if isinstance(given, Mapping):
        named = {
            name: [as_picture(one, f"{name}[{place}]") for place, one in enumerate(photos)]
            for name, photos in given.items()
        }
        return named, ()
    path = Path(given).expanduser()
    if path.is_file() and path.suffix.lower() in TABLES:
        return _of_table(path), ()
    return _of_tree(path)


def _of_table(path: Path) -> dict[str, list[Picture]]:
    found: dict[str, list[Picture]] = {}
    for one in read_listing(path, "path").items:
        place = path.parent / Path(one.item).expanduser()
        found.setdefault(one.class_name, []).append(as_picture(place, one.item))
    return found


def _of_tree(path: Path) -> tuple[dict[str, list[Picture]], tuple[str, ...]]:
    """Returns the pictures below each outermost folder; one around all of them does not count."""
    tree = open_tree(path)
    names = [name for name in tree.names if may_be_image(name)]
    if not names:
        raise BenchError(f"the support {path} has no images; it needs a folder of images per class")
    around: tuple[str, ...] = ()
    parts = {name: PurePosixPath(name).parts for name in names}
    while len({p[0] for p in parts.values()}) == 1 and all(len(p) > 2 for p in parts.values()):
        around = (*around, next(iter(parts.values()))[0])
        parts = {name: p[1:] for name, p in parts.items()}
    found: dict[str, list[Picture]] = {name: [] for name in _folders(path.joinpath(*around))}
    for name, own in parts.items():
        if len(own) > 1:
            picture = Picture(name, partial(tree.read, name))
            found.setdefault(unicodedata.normalize("NFC", own[0]), []).append(picture)
    stray = [name for name, own in parts.items() if len(own) == 1]
    remarks = passed_over([name for name in tree.names if not may_be_image(name)])
    if stray:
        remarks += (f"left out, as in no class's folder: {some(stray)}",)
    return found, remarks


def _folders(path: Path) -> list[str]:
    """Returns the folders that should be classes, also those that are empty; none of a zip."""
    if not path.is_dir():
        return []
    inside = sorted(one.name for one in path.iterdir() if one.is_dir())
    return [unicodedata.normalize("NFC", name) for name in inside if not is_hidden(name)]


def _twins(support: SupportSet) -> tuple[str, ...]:
    """Returns remarks on pictures that are in two classes."""
    first: dict[str, int] = {}
    remarks = []
    for place, digest in enumerate(support.digests):
        other = first.setdefault(digest, place)
        if support.labels[other] != support.labels[place]:
            names = f"{support.names[other]} and {support.names[place]}"
            remarks.append(f"the same picture is in two classes: {names}")
    return tuple(remarks)

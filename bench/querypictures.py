"""Query pictures: all that are to be labelled, below a folder, in a zip, or one by one."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.decoding import Picture
from bench.endings import may_be_image
from bench.errors import BenchError
from bench.filetree import open_tree
from bench.photos import Photo, as_picture, passed_over

QueryLike = str | os.PathLike[str] | Sequence[Photo]
"""A folder of pictures, however nested, a zip of such, one picture's file; or pictures."""


@dataclass(frozen=True)
class QueryPictures:
    """The pictures to be labelled, not yet read, by their paths in the folder; and remarks."""

    pictures: tuple[Picture, ...]
    remarks: tuple[str, ...] = ()


def find_queries(given: QueryLike) -> QueryPictures:
    """Returns the pictures that the user wants to be labelled, sorted by path if they are files.

    Raises:
        BenchError: there are none.
    """
    if not isinstance(given, str | os.PathLike):
        pictures = tuple(as_picture(one, f"query[{place}]") for place, one in enumerate(given))
        if not pictures:
            raise BenchError("there are no pictures to label: the list of queries is empty")
        return QueryPictures(pictures)
    path = Path(given).expanduser()
    if path.is_file() and not zipfile.is_zipfile(path):
        return QueryPictures((replace(as_picture(path, ""), name=path.name),))
    tree = open_tree(path)
    names = [name for name in tree.names if may_be_image(name)]
    other = passed_over([name for name in tree.names if not may_be_image(name)])
    if not names:
        raise BenchError(
            f"there are no images to label in {path}{'; ' + other[0] if other else ''}"
        )
    return QueryPictures(tuple(Picture(name, partial(tree.read, name)) for name in names), other)

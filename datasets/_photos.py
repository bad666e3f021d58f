"""What the photo datasets have in common that torchvision knows how to list.

torchvision's classes say which file has which label; the pictures are then decoded in parallel.
"""

from __future__ import annotations

import io
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from PIL import Image

from bench import (
    BenchError,
    ClassExamples,
    DataFiles,
    Dataset,
    ImageForm,
    Picture,
    PictureClass,
    Split,
    decoded,
)

from ._repeats import Repeats

T = TypeVar("T")
Resampling = Literal["nearest", "bilinear", "bicubic", "lanczos"]
Box = tuple[int, int, int, int]
Cut = Box | Callable[[Image.Image], Box]
CURE = "delete it and fetch it again"


@dataclass(frozen=True)
class Photo:
    """A file and the number of its class, from 0; the box that is cut out of it, and its group."""

    path: Path
    label: int
    cut: Cut | None = None
    group: str = ""


class Photos(Dataset):
    """Photos in the publisher's classes, all of its own partitions together."""

    bases: ClassVar[tuple[str, ...]] = ("",)
    """Folders below the data root that its files may lie in."""
    sentinel: ClassVar[str]
    """What is in such a folder if the files are there and unpacked."""

    def __init__(self, *, side: int = 84, resampling: Resampling = "bilinear") -> None:
        if side < 8:
            raise BenchError(f"{self.name}: side is {side}; it must be at least 8")
        self.side, self.resampling = side, resampling
        self._repeats = Repeats()

    @abstractmethod
    def photos(self, base: Path) -> Iterable[Photo]:
        """Yields all photos that torchvision lists below a folder."""

    @abstractmethod
    def named(self, base: Path) -> list[tuple[str, Split]]:
        """Returns the name and split of each class, by its number."""

    @abstractmethod
    def complaint(self, counts: list[int]) -> str:
        """Returns what is wrong with the numbers of photos per class; empty if nothing is."""

    def form(self) -> ImageForm:
        return ImageForm(self.side, self.side, "RGB", resampling=self.resampling)

    def remarks(self) -> tuple[str, ...]:
        return self._repeats.remarks()

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        base = self.locate(files)
        named = self.named(base)
        if len(named) != self.class_count():
            raise BenchError(
                f"{base / self.sentinel} has {len(named)} classes, not {self.class_count()}; {CURE}"
            )
        listed: list[list[Photo]] = [[] for _ in named]
        for photo in self.photos(base):
            if not 0 <= photo.label < len(named):
                which = f"{photo.path} is of class {photo.label + 1}"
                raise BenchError(f"{which}, but there are {len(named)}; {CURE}")
            listed[photo.label].append(photo)
        wrong = self.complaint([len(photos) for photos in listed])
        if wrong:
            raise BenchError(f"{base / self.sentinel} has {wrong}; {CURE}")
        pictures = [
            PictureClass(name, split, tuple(map(_picture, sorted(photos, key=_by_path))))
            for (name, split), photos in zip(named, listed, strict=True)
        ]
        self._repeats = Repeats()
        pictures.sort(key=lambda one: ("test", "val", "train").index(one.split))
        yield from self._repeats.apart(_mended(decoded(pictures, self.form())))

    def locate(self, files: DataFiles) -> Path:
        """Returns the folder that has the sentinel, after fetching what is missing, if allowed.

        Raises:
            BenchError: it is missing, and cannot be fetched.
        """
        base = self._found(files)
        if base is None:
            if not self.downloads():
                raise BenchError(self.absent(files.root))
            place = files.obtain(self.downloads()[0])
            base = self._found(files)
            if base is None:
                raise BenchError(f"{place} does not hold {Path(self.sentinel).name}; {CURE}")
        return base

    def absent(self, root: Path) -> str:
        """Returns what to say if files are missing that nobody serves."""
        return f"{self.name} is not under {root}"

    def _found(self, files: DataFiles) -> Path | None:
        bases = (files.root / base for base in self.bases)
        return next((base for base in bases if (base / self.sentinel).is_dir()), None)

    def listed(self, make: Callable[[], T]) -> T:
        """Returns what torchvision makes of the files; its exceptions become one line."""
        try:
            return make()
        except Exception as error:  # torchvision raises whatever its parsers do
            text = str(error).replace("You can use download=True to download it", "")
            reason = " ".join(text.split()).rstrip(".") or type(error).__name__
            raise BenchError(
                f"the lists of {self.name} cannot be read ({reason}); delete them and fetch them "
                "again"
            ) from error


def _by_path(photo: Photo) -> Path:
    return photo.path


def _picture(photo: Photo) -> Picture:
    return Picture(str(photo.path), partial(_content, photo), photo.group)


def _content(photo: Photo) -> bytes:
    """Returns the bytes of a photo; if there is a box, those of a bitmap of what is in it."""
    try:
        if photo.cut is None:
            return photo.path.read_bytes()
        bitmap = io.BytesIO()
        with Image.open(photo.path) as whole:
            box = photo.cut(whole) if callable(photo.cut) else photo.cut
            whole.convert("RGB").crop(box).save(bitmap, "BMP")
        return bitmap.getvalue()
    except (OSError, ValueError, SyntaxError) as error:
        reason = "it is missing" if isinstance(error, FileNotFoundError) else error
        raise BenchError(f"{photo.path} cannot be read ({reason})") from error


def _mended(classes: Iterator[ClassExamples]) -> Iterator[ClassExamples]:
    """Yields the classes; an error about a picture also says what to do."""
    try:
        yield from classes
    except BenchError as error:
        raise BenchError(f"{error}; {CURE}") from error


def names_in(text: str) -> tuple[str, ...]:
    """Returns the names in a text that has them between semicolons, over several lines."""
    return tuple(name.strip() for name in " ".join(text.split()).split(";"))


def splits_by_number(count: int, val: Iterable[int], test: Iterable[int]) -> list[Split]:
    """Returns the split of each class from 1 to `count`; what is in neither list is train."""
    splits: list[Split] = ["train"] * count
    for number in val:
        splits[number - 1] = "val"
    for number in test:
        splits[number - 1] = "test"
    return splits


def splits_by_name(
    names: Iterable[str], val: Iterable[str], test: Iterable[str]
) -> list[tuple[str, Split]]:
    """Returns each name with its split; what is in neither list is train.

    Raises:
        BenchError: a name of the lists is missing.
    """
    known = list(names)
    splits: dict[str, Split] = dict.fromkeys(known, "train")
    splits |= dict.fromkeys(val, "val")
    splits |= dict.fromkeys(test, "test")
    unknown = sorted(set(splits) - set(known))
    if unknown:
        raise BenchError(f"there is no class '{unknown[0]}' among those listed; {CURE}")
    return list(splits.items())

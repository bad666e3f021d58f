"""What the sets of handwritten characters have in common: 28x28 arrays with a label each."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench import BenchError, ClassExamples, DataFiles, Dataset, ImageForm, Split

from ._repeats import Repeats

T = TypeVar("T")
SIDE = 28
MOST = 1000
CURE = "delete it and fetch it again"


@dataclass(frozen=True)
class Part:
    """One of the publisher's partitions: images (n, 28, 28), ink 255 on 0, and labels (n)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


class Characters(Dataset):
    """Handwritten characters at 28x28, the publisher's training images before its test images."""

    def __init__(self, *, most: int = MOST) -> None:
        if most < 0 or most == 1:
            raise BenchError(f"{self.name}: most is {most}; it must be 0, for all, or at least 2")
        self.most = most
        self._repeats = Repeats()

    @abstractmethod
    def split_of(self) -> Mapping[str, Split]:
        """Returns the split of each class that is given."""

    @abstractmethod
    def labelled(self) -> tuple[str, ...]:
        """Returns the name behind each label."""

    @abstractmethod
    def parts(self, files: DataFiles) -> list[Part]:
        """Returns the publisher's partitions, training before test.

        Raises:
            BenchError: files are missing or damaged.
        """

    @abstractmethod
    def complaint(self, counts: list[int]) -> str:
        """Returns what is wrong with the numbers of images per label; empty if nothing is."""

    def form(self) -> ImageForm:
        return ImageForm(SIDE, SIDE, "L", inverted=True)

    def class_count(self) -> int:
        return len(self.split_of())

    def remarks(self) -> tuple[str, ...]:
        return self._repeats.remarks()

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        parts, names = self.parts(files), self.labelled()
        for part in parts:
            self._check(part, len(names), files)
        counts = sum(np.bincount(part.labels, minlength=len(names)) for part in parts)
        wrong = self.complaint(np.asarray(counts).tolist())
        if wrong:
            raise BenchError(f"{self.name} under {files.root} has {wrong}; {CURE}")
        self._repeats = Repeats()
        splits = sorted(self.split_of().items(), key=_test_first)
        yield from self._repeats.apart(
            ClassExamples(name, split, self._images(parts, names.index(name)))
            for name, split in splits
        )

    def _images(self, parts: list[Part], label: int) -> NDArray[np.uint8]:
        """Returns the first images with that label (k, 1, 28, 28)."""
        found = np.concatenate([part.images[part.labels == label] for part in parts])
        return np.ascontiguousarray(found[: self.most or None, None])

    def _check(self, part: Part, labels: int, files: DataFiles) -> None:
        """Raises BenchError unless images and labels belong together."""
        shape, count = part.images.shape, len(part.labels)
        fits = part.images.dtype == np.uint8 and shape == (count, SIDE, SIDE)
        if not fits or not count or part.labels.min() < 0 or part.labels.max() >= labels:
            raise BenchError(
                f"{self.name} under {files.root} has {part.images.dtype} images {shape} and "
                f"{count} labels, not images of 28x28 with one of {labels} labels each; {CURE}"
            )

    def read(self, make: Callable[[], T]) -> T:
        """Returns what a loader makes of the files; its exceptions become one line."""
        try:
            return make()
        except BenchError:
            raise
        except Exception as error:  # parsers raise whatever they stumble over
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise BenchError(
                f"the files of {self.name} cannot be read ({reason}); delete them and fetch them "
                "again"
            ) from error


def _test_first(named: tuple[str, Split]) -> int:
    return ("test", "val", "train").index(named[1])


@contextmanager
def unpacked(files: Mapping[str, Path | bytes]) -> Iterator[Path]:
    """Gives a folder, for a while, with files by their paths in it; what ends in .gz is unpacked.

    torchvision reads only what is unpacked, and the data root may be read-only.

    Raises:
        BenchError: a file cannot be read or unpacked.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, source in files.items():
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                _unpack(source, target)
            except (OSError, EOFError, zlib.error) as error:
                where = name if isinstance(source, bytes) else source
                raise BenchError(f"{where} cannot be read ({error}); {CURE}") from error
        yield Path(folder)


def _unpack(source: Path | bytes, target: Path) -> None:
    if isinstance(source, bytes):
        target.write_bytes(gzip.decompress(source))
    elif source.suffix == ".gz":
        with gzip.open(source) as packed, target.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
    else:
        target.symlink_to(source.resolve())

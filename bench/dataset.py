"""The dataset contract: a dataset yields its classes, one at a time, each with its split.

The harness does the rest: it stores the classes once in a cache, fingerprints them, proves that
the splits share neither a class nor an image, and draws episodes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bench.downloads import Download, no_report, obtain
from bench.episodes import EpisodeProtocol
from bench.errors import BenchError, nearest
from bench.imageform import ImageForm
from bench.tasks import CLASSIFICATION, Task
from bench.transfer import Report

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True)
class ClassExamples:
    """One class: its name, its split, and its inputs (k, ...), all of one shape and type.

    Images are uint8 (k, channels, height, width), 0 for background; features are float32 (k, d).
    In regression a class is one function: k points of it, with `targets` float32 (k, targets).
    `groups` (k) says what inputs have in common, such as the object, video or user they come from:
    inputs of one group, of whatever classes, never stand in support and query of one episode. An
    empty text is a group of its own.
    """

    name: str
    split: Split
    inputs: NDArray[np.uint8] | NDArray[np.float32]
    targets: NDArray[np.float32] | None = None
    groups: tuple[str, ...] | None = None


@dataclass(frozen=True)
class DataFiles:
    """Where a dataset finds its files, and whether it may download what is missing.

    `report` is called as a download goes on: with the file's name, the bytes that have come, and
    all there will be, if that is known.
    """

    root: Path
    download: bool = True
    report: Report = no_report

    def find(self, *candidates: str) -> Path | None:
        """Returns the first of the paths, relative to the root, that exists; else None."""
        return next((self.root / c for c in candidates if (self.root / c).exists()), None)

    def obtain(self, download: Download) -> Path:
        """Returns a file below the root, or the folder it was unpacked into; fetches it if absent.

        Raises:
            BenchError: it is not there, and may not or cannot be fetched, or is damaged.
        """
        return obtain(self.root, download, self.download, self.report)

    def given(self, path: str) -> Path:
        """Returns the file or folder that the user named: from here, or from the root.

        Raises:
            BenchError: there is none.
        """
        here = Path(path).expanduser()
        for candidate in (here, self.root / path):
            if candidate.exists():
                return candidate
        raise BenchError(f"there is no file or folder {here}{self._also(here)}; check the path")

    def _also(self, here: Path) -> str:
        return "" if here.is_absolute() else f", neither here nor in {self.root}"


class Dataset(ABC):
    """A source of classes, split into train, val and test.

    Parameters are the keyword-only arguments of `__init__`, stored under their own names; they
    all enter the fingerprint.
    """

    name: ClassVar[str]
    paper: ClassVar[str] = ""
    licence: ClassVar[str] = ""
    task: ClassVar[Task] = CLASSIFICATION
    protocol: ClassVar[EpisodeProtocol] = EpisodeProtocol()
    """The test episodes unless the user asks for others."""
    backbone: ClassVar[str] = ""
    """The embedding network for its inputs, unless the user names one; else as the method says.

    Where methods say nothing of inputs that are no images, it is `mlp`.
    """
    version: ClassVar[int] = 1
    """Raise it when the same parameters come to give other pixels."""
    opens: ClassVar[str] = ""
    """What the path is that follows its name, as in `folder:PATH`; empty if none does.

    Such a dataset has a parameter `path: str = ""`.
    """
    locations: ClassVar[tuple[str, ...]] = ("path",)
    """Parameters that say where files are. They do not enter the fingerprint; `stamp` does enter
    the key of the cache."""

    @abstractmethod
    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        """Yields every class of every split, in a fixed order.

        Raises:
            BenchError: files are missing or damaged; it names them and says what to do.
        """

    def base_class(self, name: str) -> str:
        """Returns the class that class `name` was made of, as by rotation; by default itself.

        Splits must not share base classes.
        """
        return name

    def group(self, name: str) -> str:
        """Returns the group of class `name`, such as its alphabet; by default there is one only.

        Protocols that draw the classes of an episode within one group ask for it.
        """
        return ""

    def form(self) -> ImageForm | None:
        """Returns what its pictures are made into, so that others can be made alike; else None."""
        return None

    def space(self) -> str:
        """Returns what the numbers of its vectors mean, if that may differ within one dataset.

        Who learns from one dataset is tested on another only if both say the same: vectors that
        were fitted to different texts have the same shape and nothing else in common.
        """
        return ""

    def downloads(self) -> tuple[Download, ...]:
        """Returns the files that it is made of, for `bench data`.

        Those that are absent are fetched. Files that nobody serves belong here, too: without urls,
        but with a note that says where they come from.
        """
        return ()

    def stamp(self, files: DataFiles) -> str:
        """Returns a text that changes whenever the user's own files do: names, sizes, times.

        Datasets whose files never change need none.
        """
        return ""

    def remarks(self) -> tuple[str, ...]:
        """Returns what the user should know of how classes came about, one line each.

        Asked for after `classes` has been read, as for classes that were left out.
        """
        return ()

    def class_count(self) -> int | None:
        """Returns how many classes `classes` will yield, for the progress bar, if it is known."""
        return None


def as_split(text: str) -> Split:
    """Returns `text` as a split; raises BenchError if there is no such split."""
    for split in SPLITS:
        if split == text:
            return split
    raise BenchError(f"no split '{text}'; {nearest(text, SPLITS)}")

"""Omniglot (Lake, Salakhutdinov, Tenenbaum 2015): 1,623 characters, 20 drawings of each."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench import (
    BenchError,
    ClassExamples,
    DataFiles,
    Dataset,
    Download,
    ImageForm,
    Split,
    hookimpl,
)

PARTS = {"images_background": 964, "images_evaluation": 659}
DRAWINGS = 20
ORIGINAL_SIDE, SIDE = 105, 28
FOLDER = "omniglot-py"
CURE = "delete it and fetch it again"

# Addresses and hashes as in torchvision.datasets.Omniglot.
URL = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python"
NOTE = "images_background.zip and images_evaluation.zip are needed; --data glyphs needs no download"
ARCHIVES = {
    part: Download(
        f"{FOLDER}/{part}.zip", (f"{URL}/{part}.zip",), f"md5:{md5}", size=size, note=NOTE
    )
    for part, md5, size in (
        ("images_background", "68d2efa1b9178cc56df9314c21c6e718", 9_464_212),
        ("images_evaluation", "6b91aef0f799c5bb55b94e3f2daec811", 6_462_886),
    )
}

# The split of Vinyals et al. 2016 as published by Snell et al. 2017 (github.com/jakesnell/
# prototypical-networks, data/omniglot/splits/vinyals): whole alphabets, but for Gurmukhi, whose
# characters 1 to 41 are in train and 42 to 45 in test. Alphabets named here are val and test.
VINYALS_VAL = frozenset(("Armenian", "Bengali", "Early_Aramaic", "Hebrew", "Mkhedruli_(Georgian)"))
VINYALS_TEST = frozenset(
    (
        *("Kannada", "Keble", "Malayalam", "Manipuri", "Mongolian", "Oriya", "Sylheti", "Tengwar"),
        *("Old_Church_Slavonic_(Cyrillic)", "Syriac_(Serto)", "Tibetan", "ULOG"),
    )
)
GURMUKHI_TRAIN = 41

# sha256 over every character's name and its 20 drawings, one bit a pixel, in order.
PIXELS = "795bcfd50d4dfabf4857b45dfbf4c54ba101a68a1f4ff162c8ebbca590c28ec4"


class Omniglot(Dataset):
    """Handwritten characters of 50 alphabets at 28x28, ink 255 on 0, with rotations as classes.

    Each character gives four classes, one per rotation by 90 degrees. The original images are
    105x105 and one bit deep. Published pipelines differ in how they shrink them.

    Args:
        split: vinyals (1028 train, 172 val, 423 test characters) or background (Lake et al.: the
            background set trains, less the 5 alphabets that vinyals validates on; the evaluation
            set tests).
        rotate_test: whether rotations are classes in test as well, as in Snell et al. 2017.
        resampling: how 105x105 become 28x28; nearest (what Pillow does to one-bit images, so what
            most published pipelines did) or lanczos (antialiased).
    """

    name = "omniglot"
    paper = "Lake, Salakhutdinov, Tenenbaum 2015, Science 350(6266)"
    licence = "MIT"

    def __init__(
        self,
        *,
        split: Literal["vinyals", "background"] = "vinyals",
        rotate_test: bool = True,
        resampling: Literal["nearest", "lanczos"] = "nearest",
    ) -> None:
        self.split, self.rotate_test, self.resampling = split, rotate_test, resampling

    def downloads(self) -> tuple[Download, ...]:
        """Returns the official archives of both parts."""
        return tuple(ARCHIVES.values())

    def class_count(self) -> int:
        rotated = sum(PARTS.values())
        return 4 * rotated if self.rotate_test else 4 * rotated - 3 * self._test_characters()

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        digest = hashlib.sha256()
        for part in PARTS:
            for alphabet, character, drawings in read_part(locate(part, files), part):
                digest.update(f"{alphabet}/{character:02d}".encode())
                digest.update(np.packbits(drawings).tobytes())
                split = self._split_of(part, alphabet, character)
                images = shrink(drawings, self.resampling)
                for turn in range(4 if split != "test" or self.rotate_test else 1):
                    turned = np.ascontiguousarray(np.rot90(images, turn, axes=(2, 3)))
                    name = f"{alphabet}/character{character:02d}/rot{90 * turn:03d}"
                    yield ClassExamples(name, split, turned)
        if digest.hexdigest() != PIXELS:
            raise BenchError(
                f"the Omniglot files under {files.root} do not hold the known pixels (sha256 "
                f"{digest.hexdigest()[:12]}, not {PIXELS[:12]}); delete them and fetch them again"
            )

    def form(self) -> ImageForm:
        """Returns the form that dark ink on white takes here."""
        return ImageForm(SIDE, SIDE, "L", resampling=self.resampling, inverted=True)

    def base_class(self, name: str) -> str:
        """Returns the character, of which the rotations are classes."""
        return name.rpartition("/")[0]

    def group(self, name: str) -> str:
        """Returns the alphabet."""
        return name.partition("/")[0]

    def _split_of(self, part: str, alphabet: str, character: int) -> Split:
        if self.split == "background":
            if part == "images_evaluation":
                return "test"
            return "val" if alphabet in VINYALS_VAL else "train"
        if alphabet in VINYALS_TEST or (alphabet == "Gurmukhi" and character > GURMUKHI_TRAIN):
            return "test"
        return "val" if alphabet in VINYALS_VAL else "train"

    def _test_characters(self) -> int:
        return 423 if self.split == "vinyals" else PARTS["images_evaluation"]


def locate(part: str, files: DataFiles) -> Path:
    """Returns the zip or folder of one part, fetching it if it is not there and may be."""
    candidates = [f"{FOLDER}/{part}", f"{FOLDER}/{part}.zip", part, f"{part}.zip"]
    return files.find(*candidates) or files.obtain(ARCHIVES[part])


def read_part(path: Path, part: str) -> Iterator[tuple[str, int, NDArray[np.bool_]]]:
    """Yields alphabet, character number and drawings (20, 105, 105), True for ink, in order.

    Raises:
        BenchError: an image cannot be read, or characters or drawings are missing.
    """
    images = _images(path)
    folders = sorted({name.rpartition("/")[0] for name in images})
    if len(folders) != PARTS[part]:
        raise BenchError(f"{path} has {len(folders)} characters, not {PARTS[part]}; {CURE}")
    names = sorted(images)
    if len(names) != DRAWINGS * len(folders):
        raise BenchError(f"{path} has {len(names)} images, not {DRAWINGS * len(folders)}; {CURE}")
    for number, folder in enumerate(folders):
        drawings = names[number * DRAWINGS : (number + 1) * DRAWINGS]
        alphabet, _, character = folder.rpartition("/")
        number_text = character.removeprefix("character")
        if not number_text.isdecimal():
            raise BenchError(f"{path} has a folder {folder}, not <alphabet>/characterNN; {CURE}")
        stacked = np.stack([_decode(path, name, images[name]) for name in drawings])
        yield alphabet.rpartition("/")[2], int(number_text), stacked


def _images(path: Path) -> dict[str, Callable[[], bytes]]:
    """Returns the PNG files in a zip or folder, by their path in it, with a way to read each."""
    if path.is_dir():
        return {p.relative_to(path).as_posix(): p.read_bytes for p in path.rglob("*.png")}
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise BenchError(f"{path} cannot be read as a zip file ({error}); {CURE}") from error
    names = [name for name in archive.namelist() if name.endswith(".png")]
    return {name: partial(archive.read, name) for name in names}


def _decode(path: Path, name: str, read: Callable[[], bytes]) -> NDArray[np.bool_]:
    """Returns one drawing (105, 105), True where there is ink."""
    try:
        image = np.asarray(Image.open(io.BytesIO(read())).convert("1"))
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise BenchError(f"{name} in {path} cannot be read ({error}); {CURE}") from error
    if image.shape != (ORIGINAL_SIDE, ORIGINAL_SIDE):
        raise BenchError(f"{name} in {path} has size {image.shape}, not 105x105; {CURE}")
    return ~image


def shrink(drawings: NDArray[np.bool_], resampling: str) -> NDArray[np.uint8]:
    """Returns drawings (k, 105, 105) as images (k, 1, 28, 28), ink 255 on 0."""
    ink = drawings.astype(np.uint8) * 255
    if resampling == "nearest":
        centres = ((np.arange(SIDE) + 0.5) * ORIGINAL_SIDE / SIDE).astype(np.int64)
        return ink[:, None, centres[:, None], centres]
    lanczos = Image.Resampling.LANCZOS
    small = [np.asarray(Image.fromarray(one).resize((SIDE, SIDE), lanczos)) for one in ink]
    return np.stack(small)[:, None]


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Omniglot]

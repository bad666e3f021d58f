"""FGVC-Aircraft: 100 variants of aircraft, 100 photos of each (Maji et al. 2013)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from bench import BenchError, Dataset, Download, Split, hookimpl, import_extra

from ._photos import CURE, Box, Photo, Photos, Resampling, names_in, splits_by_name

VARIANTS, IMAGES = 100, 100
PARTS = ("train", "val", "test")
BANNER = 20
"""The height of the strip at the bottom that names the photographer, in pixels."""
FOLDER = "fgvc-aircraft-2013b"
URL = f"https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/archives/{FOLDER}.tar.gz"

# The split of Meta-Dataset (Triantafillou et al. 2020); all others are train
# (github.com/google-research/meta-dataset, dataset_conversion/splits/aircraft_splits.json).
VAL = names_in(
    """
737-900; 757-300; 767-200; A310; A320; BAE 146-300; CRJ-900; DC-10; DC-8; DC-9-30;
DHC-8-300; Gulfstream V; SR-20; Tornado; Yak-42
    """
)
TEST = names_in(
    """
737-400; 737-800; 757-200; 767-400; ATR-42; BAE-125; Beechcraft 1900; Boeing 717; CRJ-200;
CRJ-700; E-170; L-1011; MD-90; Saab 2000; Spitfire
    """
)


class Aircraft(Photos):
    """Photos of 100 variants of aircraft, 100 of each, with Meta-Dataset's split of the variants.

    70 variants train, 15 validate and 15 test. The publisher's own partitions of the photos are
    joined, as in Meta-Dataset.

    Args:
        side: of the pictures, in pixels; proportions are not kept.
        resampling: how the photos are shrunk; Pillow's filter.
        crop: box (the publisher's box around the aircraft, as in Meta-Dataset) or banner (all but
            the strip at the bottom that names the photographer).
    """

    name = "aircraft"
    paper = "Maji et al. 2013, arXiv:1306.5151; split: Triantafillou et al. 2020, arXiv:1903.03096"
    licence = "for non-commercial research only; the photographers keep their rights"
    bases = ("", "aircraft")
    sentinel = f"{FOLDER}/data/images"

    def __init__(
        self,
        *,
        side: int = 84,
        resampling: Resampling = "bilinear",
        crop: Literal["box", "banner"] = "box",
    ) -> None:
        super().__init__(side=side, resampling=resampling)
        self.crop = crop

    def class_count(self) -> int:
        return VARIANTS

    def downloads(self) -> tuple[Download, ...]:
        digest = "md5:d4acdd33327262359767eeaa97a4f732"
        return (Download(f"{FOLDER}.tar.gz", (URL,), digest, "aircraft"),)

    def named(self, base: Path) -> list[tuple[str, Split]]:
        return splits_by_name(self._part(base, "train").classes, VAL, TEST)

    def photos(self, base: Path) -> Iterable[Photo]:
        boxes = self.listed(lambda: read_boxes(base / FOLDER / "data" / "images_box.txt"))
        for part in PARTS:
            data = self._part(base, part)
            # No public name gives the paths without decoding what is there.
            for path, label in zip(map(Path, data._image_files), data._labels, strict=True):
                if path.stem not in boxes:
                    raise BenchError(f"{base / FOLDER} has no box for {path.name}; {CURE}")
                yield Photo(path, label, boxes[path.stem] if self.crop == "box" else above_banner)

    def complaint(self, counts: list[int]) -> str:
        odd = [count for count in counts if count != IMAGES]
        return f"{odd[0]} photos listed of one variant, not {IMAGES}" if odd else ""

    def _part(self, base: Path, part: str) -> Any:
        aircraft = import_extra("torchvision.datasets").FGVCAircraft
        return self.listed(lambda: aircraft(base, split=part))


def above_banner(whole: Image.Image) -> Box:
    """Returns the box of all but the strip at the bottom."""
    return (0, 0, whole.width, whole.height - BANNER)


def read_boxes(path: Path) -> dict[str, Box]:
    """Returns the box of each photo, by its name: left, top, right, bottom."""
    boxes: dict[str, Box] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, left, top, right, bottom = line.split()
        boxes[name] = (int(left), int(top), int(right), int(bottom))
    return boxes


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Aircraft]

"""Stanford Cars: 196 makes, models and years (Krause et al. 2013)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from bench import Dataset, Split, hookimpl, import_extra

from ._photos import Photo, Photos, splits_by_number

MODELS, IMAGES = 196, 16185
PARTS = ("train", "test")
FOLDER = "stanford_cars"

# The split of Li et al. 2019, by the publisher's number of the model; all others are train
# (github.com/WenbinLee/DN4, dataset/StanfordCars: its label is that number, its lists hold all
# 16,185 photos).
VAL = (20, 53, 58, 59, 83, 89, 99, 103, 139, 148, 153, 156, 169, 172, 176, 181, 188)
TEST = (
    *(2, 3, 4, 6, 10, 18, 21, 29, 30, 32, 38, 42, 46, 56, 60, 61, 63, 65, 69, 72, 81, 90, 91, 92),
    *(98, 108, 109, 112, 114, 117, 118, 124, 126, 133, 135, 136, 154, 158, 159, 160, 161, 163),
    *(164, 178, 186, 189, 191, 193, 194),
)


class Cars(Photos):
    """Photos of 196 models of cars, 48 to 136 of each, with the split of models of Li et al. 2019.

    130 models train, 17 validate and 49 test. The publisher's own partitions of the photos are
    joined. Its site is gone, so that nothing is downloaded: the files must be there, as torchvision
    expects them. Names begin with the publisher's number, such as
    `001.AM General Hummer SUV 2000`.

    Args:
        side: of the pictures, in pixels; proportions are not kept.
        resampling: how the photos are shrunk; Pillow's filter.
    """

    name = "cars"
    paper = "Krause et al. 2013, 3dRR; split: Li et al. 2019, arXiv:1903.12290"
    licence = "ImageNet's terms: for non-commercial research and education only"
    sentinel = f"{FOLDER}/cars_train"

    def class_count(self) -> int:
        return MODELS

    def absent(self, root: Path) -> str:
        return (
            f"cars is not under {root}, and its publisher no longer serves it; put cars_train, "
            "cars_test, devkit (with cars_meta.mat and cars_train_annos.mat) and "
            f"cars_test_annos_withlabels.mat into {root / FOLDER}, or name the folder around it "
            "with --data-root"
        )

    def named(self, base: Path) -> list[tuple[str, Split]]:
        cars = import_extra("torchvision.datasets").StanfordCars
        names = self.listed(partial(cars, base, split="train")).classes
        splits = splits_by_number(len(names), VAL, TEST) if len(names) == MODELS else []
        numbered = enumerate(zip(names, splits, strict=False), start=1)
        return [(f"{number:03d}.{name}", split) for number, (name, split) in numbered]

    def photos(self, base: Path) -> Iterable[Photo]:
        cars = import_extra("torchvision.datasets").StanfordCars
        for part in PARTS:
            # No public name gives the paths without decoding what is there.
            for path, label in self.listed(partial(cars, base, split=part))._samples:
                yield Photo(Path(path), int(label))

    def complaint(self, counts: list[int]) -> str:
        return "" if sum(counts) == IMAGES else f"{sum(counts)} photos listed, not {IMAGES}"


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Cars]

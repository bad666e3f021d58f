"""tieredImageNet (Ren et al. 2018): 608 classes of ImageNet, split by 34 categories above them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

from bench import (
    BenchError,
    ClassExamples,
    DataFiles,
    Dataset,
    ImageForm,
    PictureClass,
    Split,
    decoded,
    hookimpl,
)

from ._imagenet import LICENCE, find_imagenet
from ._repeats import Repeats
from ._tiered_imagenet_pickles import from_pickles, locate

LIST = Path(__file__).with_name("_tiered_imagenet_classes.txt")
"""Per line a split, a category and its classes, all by WordNet number.

Made of the lists of Ren et al. 2018 (github.com/renmengye/few-shot-ssl-public,
fewshot/data/tiered_imagenet_split).
"""
IMAGES: dict[Split, int] = {"test": 206_209, "val": 124_261, "train": 448_695}
"""All images of ILSVRC 2012 (train) of these classes, as Ren et al. 2018 count them."""


class TieredImagenet(Dataset):
    """Photos of 608 classes of ImageNet, 779,165 in all: 351 for training, 97 validation, 160 test.

    Splits share no category (the group of a class, by its WordNet number), so test classes are less
    like train classes than in mini-imagenet. The cache takes 16 GB at 84x84.

    Nobody serves the images to everybody, so you need one of these, below the data root or at
    `path`; the data.source is

    imagenet: the training images of ILSVRC 2012, in class folders, tars of classes, or the tar of
    these.

    pickles: the folder tiered-imagenet of Ren et al. 2018, with train_images_png.pkl at 84x84 and
    train_labels.pkl, those of val and test, class_names.txt and synsets.txt.

    Args:
        source: what the images are taken from.
        path: where that is; empty to look for it below the data root.
        side: of the images, in pixels.
        resampling: Pillow's filter; Ren et al. 2018 take OpenCV's bicubic, which does not smooth.
    """

    name = "tiered-imagenet"
    paper = "Ren et al. 2018, arXiv:1803.00676"
    licence = LICENCE

    def __init__(
        self,
        *,
        source: Literal["imagenet", "pickles"] = "imagenet",
        path: str = "",
        side: int = 84,
        resampling: Literal["bicubic", "lanczos", "bilinear", "nearest"] = "bicubic",
    ) -> None:
        self.source, self.path, self.side, self.resampling = source, path, side, resampling
        self._repeats = Repeats()

    def class_count(self) -> int:
        return sum(len(names) for names in by_split().values())

    def group(self, name: str) -> str:
        """Returns the category, by its WordNet number."""
        return categories()[name]

    def form(self) -> ImageForm:
        return ImageForm(self.side, self.side, resampling=self.resampling)

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        self._repeats = Repeats()
        found = self._from_pickles(files) if self.source == "pickles" else self._of_imagenet(files)
        yield from self._repeats.apart(decoded(found, self.form()))

    def stamp(self, files: DataFiles) -> str:
        """Returns the path, for what circulates may differ; not ImageNet's, which is one."""
        return "" if self.source == "imagenet" else self.path

    def remarks(self) -> tuple[str, ...]:
        return self._repeats.remarks()

    def _of_imagenet(self, files: DataFiles) -> Iterator[PictureClass]:
        """Yields the classes; counts all images first, for that is soon done."""
        imagenet = find_imagenet(files, self.path)
        for split, names in by_split().items():
            count = sum(len(imagenet.photos(name)) for name in names)
            if count != IMAGES[split]:
                raise BenchError(
                    f"{imagenet.path} has {count:,} images of the {split} classes, not "
                    f"{IMAGES[split]:,}; it is not the whole ImageNet (ILSVRC 2012, train)"
                )
        for split, names in by_split().items():
            for name in names:
                yield PictureClass(name, split, imagenet.photos(name))

    def _from_pickles(self, files: DataFiles) -> Iterator[PictureClass]:
        folder = locate(files, self.path)
        for split, names in by_split().items():
            yield from from_pickles(folder, split, names, IMAGES[split])


@cache
def _listed() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    lines = [line.split() for line in LIST.read_text(encoding="ascii").splitlines()]
    return tuple((split, category, tuple(names)) for split, category, *names in lines)


def by_split() -> dict[Split, tuple[str, ...]]:
    """Returns the classes of each split, those of test first."""
    return {
        split: tuple(name for where, _, names in _listed() if where == split for name in names)
        for split in IMAGES
    }


def categories() -> dict[str, str]:
    """Returns the category of each class."""
    return {name: category for _, category, names in _listed() for name in names}


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [TieredImagenet]

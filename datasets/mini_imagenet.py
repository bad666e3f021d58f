"""mini-ImageNet (Vinyals et al. 2016), in the split of Ravi and Larochelle 2017."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

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
    hookimpl,
)

from ._imagenet import LICENCE, ImageNet, find_imagenet
from ._mini_imagenet_files import Listed, from_pickles, listed_pictures, locate
from ._repeats import Repeats

LIST = Path(__file__).with_name("_mini_imagenet_images.txt")
"""Per line a split, a class, and in base64 a bit for each of its images in ImageNet: in or out.

Made of the lists of Ravi and Larochelle 2017 (github.com/twitter-research/meta-learning-lstm,
data/miniImagenet), whose names are class and number, as in n0153282900000005.jpg.
"""
HOW_IMAGES_ARE_FOUND = (
    "the published list numbers the images of each class without saying how; as public tools do "
    "(CloserLookFewShot, mini-imagenet-tools), image k is taken to be the k-th of the class in "
    "order of the numbers in ImageNet's file names"
)


class MiniImagenet(Dataset):
    """Photos of 100 classes of ImageNet, 600 of each: 64 for training, 16 validation, 20 test.

    Nobody serves the images to everybody, so you need one of these, below the data root or at
    `path`; the data.source is

    imagenet: the training images of ILSVRC 2012, in class folders, tars of classes, or the tar of
    these. Which 600 of about 1,300 make up a class is published in numbers only: see the remark.

    images: files named as in the published list (n0153282900000005.jpg) in a folder, zip or tar
    such as mini-imagenet/images.zip; or class folders of 600 images below train, val and test.

    pickles: mini-imagenet-cache-train.pkl and those of val and test by Ren et al. 2018, at 84x84.

    Args:
        source: what the images are taken from.
        path: where that is; empty to look for it below the data root.
        side: of the images, in pixels.
        resampling: Pillow's filter; lanczos as for MAML (Finn et al. 2017), others take others.
    """

    name = "mini-imagenet"
    paper = "Vinyals et al. 2016, arXiv:1606.04080; split: Ravi, Larochelle 2017"
    licence = LICENCE

    def __init__(
        self,
        *,
        source: Literal["imagenet", "images", "pickles"] = "imagenet",
        path: str = "",
        side: int = 84,
        resampling: Literal["lanczos", "bicubic", "bilinear", "nearest"] = "lanczos",
    ) -> None:
        self.source, self.path, self.side, self.resampling = source, path, side, resampling
        self._repeats = Repeats()

    def class_count(self) -> int:
        return 100

    def form(self) -> ImageForm:
        return ImageForm(self.side, self.side, resampling=self.resampling)

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        listed = read_list(LIST)
        self._repeats = Repeats()
        yield from self._repeats.apart(self._given(files, listed))

    def stamp(self, files: DataFiles) -> str:
        """Returns the path, for what circulates may differ; not ImageNet's, which is one."""
        return "" if self.source == "imagenet" else self.path

    def remarks(self) -> tuple[str, ...]:
        how = (HOW_IMAGES_ARE_FOUND,) if self.source == "imagenet" else ()
        return (*how, *self._repeats.remarks())

    def _given(self, files: DataFiles, listed: tuple[Listed, ...]) -> Iterator[ClassExamples]:
        if self.source == "pickles":
            yield from from_pickles(locate(files, self.path, self.source), listed, self.side)
        elif self.source == "images":
            found = listed_pictures(locate(files, self.path, self.source), listed)
            yield from decoded(found, self.form())
        else:
            imagenet = find_imagenet(files, self.path)
            found = (PictureClass(c.name, c.split, _photos(imagenet, c)) for c in listed)
            yield from decoded(found, self.form())


def read_list(path: Path) -> tuple[Listed, ...]:
    """Returns the classes with the numbers of their images, those of test first."""
    found = []
    for line in path.read_text(encoding="ascii").splitlines():
        split, name, bits = line.split()
        kept = np.unpackbits(np.frombuffer(base64.b64decode(bits), dtype=np.uint8))
        numbers = tuple(int(n) + 1 for n in np.flatnonzero(kept))
        found += [Listed(name, known, numbers) for known in ORDER if known == split]
    return tuple(sorted(found, key=lambda one: ORDER.index(one.split)))


ORDER: tuple[Split, ...] = ("test", "val", "train")


def _photos(imagenet: ImageNet, one: Listed) -> tuple[Picture, ...]:
    """Returns the images of a class by their numbers in the list."""
    photos = imagenet.photos(one.name)
    if len(photos) < one.numbers[-1]:
        raise BenchError(
            f"class {one.name} has {len(photos)} images in {imagenet.path}, and the list names "
            f"number {one.numbers[-1]}; it is not the whole ImageNet (ILSVRC 2012, train)"
        )
    return tuple(photos[number - 1] for number in one.numbers)


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [MiniImagenet]

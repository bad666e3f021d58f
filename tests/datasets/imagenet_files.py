"""A small ImageNet for tests, in every layout in which people keep it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Photos = Mapping[str, dict[int, NDArray[np.uint8]]]
"""By class, the pixels (10, 10, 3) of each image by the number in its name."""


def photos(classes: list[str], numbers: tuple[int, ...], seed: int = 0) -> Photos:
    rng = np.random.default_rng(seed)
    return {
        c: {n: rng.integers(0, 256, (10, 10, 3), dtype=np.uint8) for n in numbers} for c in classes
    }


def png(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def shrunk(pixels: NDArray[np.uint8], side: int, how: Image.Resampling) -> NDArray[np.uint8]:
    """Returns an image as (3, side, side), resized by Pillow."""
    return np.asarray(Image.fromarray(pixels).resize((side, side), how)).transpose(2, 0, 1)


def write_folders(made: Photos, place: Path) -> None:
    for wnid, images in made.items():
        (place / wnid).mkdir(parents=True)
        for number, pixels in images.items():
            (place / wnid / f"{wnid}_{number}.JPEG").write_bytes(png(pixels))


def write_class_tars(made: Photos, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for wnid, images in made.items():
        members = {f"{wnid}_{n}.JPEG": png(pixels) for n, pixels in images.items()}
        (place / f"{wnid}.tar").write_bytes(tar(members))


def write_whole_tar(made: Photos, place: Path) -> None:
    inner = {}
    for wnid, images in made.items():
        members = {f"{wnid}_{n}.JPEG": png(pixels) for n, pixels in images.items()}
        inner[f"{wnid}.tar"] = tar(members)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(tar(inner))


def tar(members: Mapping[str, bytes], mode: str = "w") -> bytes:
    file = io.BytesIO()
    opener: Callable[..., tarfile.TarFile] = tarfile.open
    with opener(fileobj=file, mode=mode) as archive:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return file.getvalue()


LAYOUTS: dict[str, tuple[Callable[[Photos, Path], None], str]] = {
    "class folders": (write_folders, "imagenet/train"),
    "kaggle": (write_folders, "imagenet/ILSVRC/Data/CLS-LOC/train"),
    "tars of classes": (write_class_tars, "ILSVRC2012_img_train"),
    "the whole tar": (write_whole_tar, "imagenet/ILSVRC2012_img_train.tar"),
    "the whole tar at the root": (write_whole_tar, "ILSVRC2012_img_train.tar"),
}
"""How each layout is written, and where below the data root."""

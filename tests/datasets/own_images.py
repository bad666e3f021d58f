"""What tests of the user's own images share: small pictures, no two alike, in files."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.dataset import ClassExamples, DataFiles, Dataset
from bench.registry import Registry

SIDE = 8


def pixels(name: str, shape: tuple[int, ...] = (SIDE, SIDE, 3)) -> NDArray[np.uint8]:
    """Returns noise that belongs to a name."""
    rng = np.random.default_rng(list(name.encode(errors="replace")))
    return rng.integers(0, 256, shape).astype(np.uint8)


def write_image(path: Path, seed: str = "") -> None:
    """Writes a PNG, whatever the ending says; its content belongs to the seed, else to its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(seed or path.as_posix())).save(path, "png")


def write_classes(folder: Path, sizes: dict[str, int]) -> Path:
    """Writes so many images of each class, `folder/class/NN.png`."""
    for name, count in sizes.items():
        for number in range(count):
            write_image(folder / name / f"{number:02d}.png")
    return folder


def many(count: int, each: int = 6) -> dict[str, int]:
    """Returns the sizes of classes c00, c01 and so on."""
    return {f"c{number:02d}": each for number in range(count)}


def zipped(folder: Path, path: Path, *, around: str = "") -> Path:
    """Packs a folder into a zip, below another folder if wanted."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(file, f"{around}{file.relative_to(folder).as_posix()}")
    return path


def opened(registry: Registry, path: Path | str, **parameters: Any) -> Dataset:
    """Returns the dataset of a path, with images of 8x8 pixels."""
    given: dict[str, Any] = {"side": SIDE, "path": str(path), **parameters}
    return registry.dataset("folder:x")(**given)


def files_at(root: Path) -> DataFiles:
    """Returns the files below a root; nothing is downloaded."""
    return DataFiles(root, download=False)


def read(
    registry: Registry, path: Path | str, **parameters: Any
) -> tuple[list[ClassExamples], tuple[str, ...]]:
    """Returns the classes at a path, and the remarks on them."""
    dataset = opened(registry, path, **parameters)
    classes = list(dataset.classes(files_at(Path(path).parent)))
    return classes, dataset.remarks()


def names(registry: Registry, path: Path | str, **parameters: Any) -> dict[str, str]:
    """Returns the split of each class at a path."""
    return {one.name: one.split for one in read(registry, path, **parameters)[0]}

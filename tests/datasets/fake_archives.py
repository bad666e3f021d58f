"""Small folders laid out as the real ones that torchvision lists, with all classes.

Each writer returns the pictures of each class, by its name, in the order of their files' names.
The files hold PNG whatever they are called, so that no pixel changes.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from bench.dataset import ClassExamples, DataFiles, Dataset
from bench.extras import import_extra
from bench.registry import Registry

SIDE = 12
Pictures = NDArray[np.uint8]
Contents = dict[str, list[Pictures]]


@dataclass(frozen=True)
class Fake:
    """A dataset, what its files are written by, and what the real ones are known to have."""

    name: str
    write: Callable[[Path, ModuleType], Contents]
    constants: dict[str, int]
    splits: tuple[int, int, int]
    """Classes of train, val and test."""
    needs: str
    """What is named if it is missing."""
    chosen: dict[str, Any] = field(default_factory=lambda: {"side": SIDE})


def made(registry: Registry, name: str, **chosen: Any) -> Any:
    """Makes a dataset; its own methods are not those of every dataset."""
    return registry.dataset(name)(**chosen)


def module_of(registry: Registry, name: str) -> ModuleType:
    """The module behind a dataset; tests reach plugins through the registry only."""
    return importlib.import_module(registry.dataset(name).__module__)


def prepare(
    fake: Fake, registry: Registry, monkeypatch: pytest.MonkeyPatch, root: Path
) -> tuple[Dataset, Contents]:
    """Writes the files; makes the dataset take them for the real ones."""
    module = module_of(registry, fake.name)
    for constant, value in fake.constants.items():
        monkeypatch.setattr(module, constant, value)
    import_extra("torchvision.datasets")
    flowers = importlib.import_module("torchvision.datasets.flowers102")
    monkeypatch.setattr(flowers, "check_integrity", lambda path, md5: Path(path).is_file())
    contents = fake.write(root, module)
    return registry.dataset(fake.name)(**fake.chosen), contents


def read(dataset: Dataset, root: Path) -> dict[str, ClassExamples]:
    """Reads all classes, from files only."""
    return {one.name: one for one in dataset.classes(DataFiles(root, download=False))}


def noise(seed: int, side: int = SIDE) -> Pictures:
    """Returns a picture in colour that no other seed gives."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def save(path: Path, picture: Pictures, kind: str = "PNG") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, kind)


def numbered(names: Iterable[str], each: int) -> list[tuple[int, str, int, Pictures]]:
    """Returns class number, class name, running number and picture, `each` of every class."""
    return [
        (label, name, label * each + turn, noise(label * each + turn))
        for label, name in enumerate(names)
        for turn in range(each)
    ]


def gather(rows: Iterable[tuple[str, Pictures]]) -> Contents:
    contents: Contents = {}
    for name, picture in rows:
        contents.setdefault(name, []).append(picture)
    return contents


def write_flowers(root: Path, module: ModuleType) -> Contents:
    folder = root / "flowers-102"
    rows = numbered((f"{n:03d}.{name}" for n, name in enumerate(module.NAMES, start=1)), 2)
    for _, _, number, picture in rows:
        save(folder / "jpg" / f"image_{number + 1:05d}.jpg", picture)
    savemat(folder / "imagelabels.mat", {"labels": np.array([[row[0] + 1 for row in rows]])})
    numbers = np.arange(1, len(rows) + 1)
    parts = {"trnid": numbers[:100], "valid": numbers[100:150], "tstid": numbers[150:]}
    savemat(folder / "setid.mat", {name: part[None] for name, part in parts.items()})
    return gather((name, picture) for _, name, _, picture in rows)


def write_aircraft(root: Path, module: ModuleType) -> Contents:
    data = root / "fgvc-aircraft-2013b" / "data"
    names = sorted((*module.VAL, *module.TEST, *(f"Train {n}/A" for n in range(70))))
    rows = numbered(names, 3)
    framed = {}
    for _, _, number, picture in rows:
        framed[number] = np.pad(picture, ((2, 25), (3, 4), (0, 0)), constant_values=9)
        save(data / "images" / f"{number:07d}.jpg", framed[number])
    box = f"3 2 {3 + SIDE} {2 + SIDE}"
    (data / "variants.txt").write_text("\n".join(names) + "\n")
    (data / "images_box.txt").write_text("".join(f"{row[2]:07d} {box}\n" for row in rows))
    for turn, part in enumerate(("train", "val", "test")):
        lines = [f"{number:07d} {name}\n" for _, name, number, _ in rows if number % 3 == turn]
        (data / f"images_variant_{part}.txt").write_text("".join(lines))
    return gather((name, picture) for _, name, _, picture in rows)


def write_dtd(root: Path, module: ModuleType) -> Contents:
    folder = root / "dtd" / "dtd"
    names = sorted((*module.VAL, *module.TEST, *(f"train{n}" for n in range(33))))
    rows = numbered(names, 3)
    (folder / "labels").mkdir(parents=True)
    for _, name, number, picture in rows:
        save(folder / "images" / name / f"{name}_{number:04d}.jpg", picture)
    for turn, part in enumerate(("train", "val", "test")):
        lines = [f"{n}/{n}_{number:04d}.jpg\n" for _, n, number, _ in rows if number % 3 == turn]
        (folder / "labels" / f"{part}1.txt").write_text("".join(lines))
    return gather((name, picture) for _, name, _, picture in rows)


def write_gtsrb(root: Path, module: ModuleType) -> Contents:
    folder = root / "gtsrb" / "GTSRB" / "Final_Training" / "Images"
    rows = numbered((f"{n:02d}.{name}" for n, name in enumerate(module.NAMES)), 4)
    for label, _, number, picture in rows:
        track, frame = divmod(number % 4, 2)
        save(folder / f"{label:05d}" / f"{track:05d}_{frame:05d}.ppm", picture, "PPM")
        (folder / f"{label:05d}" / f"GT-{label:05d}.csv").write_text("Filename;Width\n")
    return gather((name, picture) for _, name, _, picture in rows)


def write_food(root: Path, module: ModuleType) -> Contents:
    folder = root / "food-101"
    names = sorted((*module.VAL, *module.TEST, *(f"train_{n}" for n in range(65))))
    rows = numbered(names, 2)
    for _, name, number, picture in rows:
        save(folder / "images" / name / f"{number:06d}.jpg", picture)
    (folder / "meta").mkdir()
    for turn, part in enumerate(("train", "test")):
        lists: dict[str, list[str]] = {name: [] for name in names}
        for _, name, number, _ in rows:
            if number % 2 == turn:
                lists[name].append(f"{name}/{number:06d}")
        (folder / "meta" / f"{part}.json").write_text(json.dumps(lists))
    return gather((name, picture) for _, name, _, picture in rows)


def write_cars(root: Path, module: ModuleType) -> Contents:
    folder = root / "stanford_cars"
    models = [f"Maker Model/{n} Sedan 2012" for n in range(1, 197)]
    rows = numbered((f"{n:03d}.{model}" for n, model in enumerate(models, start=1)), 2)
    (folder / "devkit").mkdir(parents=True)
    names = np.array(models, dtype=object)
    savemat(folder / "devkit" / "cars_meta.mat", {"class_names": names})
    lists = ("devkit/cars_train_annos.mat", "cars_test_annos_withlabels.mat")
    for turn, (part, file) in enumerate(zip(("cars_train", "cars_test"), lists, strict=True)):
        mine = [row for row in rows if row[2] % 2 == turn]
        for _, _, number, picture in mine:
            save(folder / part / f"{number:05d}.jpg", picture)
        fields = np.array(
            [(f"{number:05d}.jpg", label + 1) for label, _, number, _ in mine],
            dtype=[("fname", object), ("class", object)],
        )
        savemat(folder / file, {"annotations": fields})
    by_path = sorted(rows, key=lambda row: row[2] % 2, reverse=True)  # cars_test, cars_train
    return gather((name, picture) for _, name, _, picture in by_path)


PHOTOS = (
    Fake("flowers102", write_flowers, {"IMAGES": 204}, (71, 15, 16), "102flowers.tgz"),
    Fake("aircraft", write_aircraft, {"IMAGES": 3}, (70, 15, 15), "fgvc-aircraft-2013b.tar.gz"),
    Fake("dtd", write_dtd, {"IMAGES": 3}, (33, 7, 7), "dtd-r1.0.1.tar.gz"),
    Fake("gtsrb", write_gtsrb, {"IMAGES": 172}, (0, 0, 43), "GTSRB_Final_Training_Images.zip"),
    Fake("food101", write_food, {"IMAGES": 2}, (65, 16, 20), "food-101.tar.gz"),
    Fake("cars", write_cars, {"IMAGES": 392}, (130, 17, 49), "cars_test_annos_withlabels.mat"),
)

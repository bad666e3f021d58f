"""tieredImageNet: the published split, images of a local ImageNet and of the authors' pickles."""

from __future__ import annotations

import csv
import importlib
import pickle
import struct
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.cache import open_dataset
from bench.dataset import ClassExamples, DataFiles
from bench.errors import BenchError
from bench.registry import Registry
from tests.datasets.cifar_files import array, dictionary, hostile, texts
from tests.datasets.imagenet_files import LAYOUTS, Photos, photos, png, shrunk

LINES = (
    "train n10000000 n00000001 n00000002",
    "val n20000000 n00000003",
    "test n30000000 n00000005 n00000004",
)
CLASSES = {
    "test": ["n00000005", "n00000004"],
    "val": ["n00000003"],
    "train": ["n00000001", "n00000002"],
}
NUMBERS = (100, 3, 26)
CUBIC = Image.Resampling.BICUBIC


@pytest.fixture(scope="module")
def module(registry: Registry) -> ModuleType:
    return importlib.import_module(registry.dataset("tiered-imagenet").__module__)


@pytest.fixture
def small(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Photos]:
    """A list of five classes, and three images of each."""
    (tmp_path / "list.txt").write_text("\n".join(LINES))
    monkeypatch.setattr(module, "LIST", tmp_path / "list.txt")
    monkeypatch.setattr(module, "IMAGES", {"test": 6, "val": 3, "train": 6})
    module._listed.cache_clear()
    yield photos([name for names in CLASSES.values() for name in names], NUMBERS)
    module._listed.cache_clear()


def read(registry: Registry, root: Path, **chosen: Any) -> list[ClassExamples]:
    dataset = registry.dataset("tiered-imagenet")(**chosen)
    return list(dataset.classes(DataFiles(root, download=False)))


def test_the_split_is_the_published_one_by_category(
    module: ModuleType, registry: Registry, shared_data: Path
) -> None:
    dataset = registry.dataset("tiered-imagenet")()
    counts = {"train": (351, 20), "val": (97, 6), "test": (160, 8)}
    seen: set[str] = set()
    for split, names in module.by_split().items():
        with (shared_data / "splits/tiered-imagenet" / f"{split}.csv").open() as file:
            published = [row for row in csv.reader(file) if row]
        assert [[name, dataset.group(name)] for name in names] == published
        groups = {dataset.group(name) for name in names}
        assert (len(set(names)), len(groups)) == counts[split]
        assert not seen & {*names, *groups}
        seen |= {*names, *groups}
    assert dataset.class_count() == 608
    assert sum(module.IMAGES.values()) == 779_165  # as Ren et al. 2018 say


@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_images_of_its_classes_are_taken_from_every_layout_of_imagenet(
    layout: str, small: Photos, registry: Registry, tmp_path: Path
) -> None:
    write, place = LAYOUTS[layout]
    write({**small, **photos(["n00000009"], NUMBERS)}, tmp_path / place)
    found = read(registry, tmp_path, side=16)
    assert [one.name for one in found] == [name for names in CLASSES.values() for name in names]
    for one in found:
        assert one.name in CLASSES[one.split]
        expected = [shrunk(small[one.name][number], 16, CUBIC) for number in sorted(NUMBERS)]
        np.testing.assert_array_equal(one.inputs, np.stack(expected))


def test_an_imagenet_with_images_missing_is_refused_before_any_is_decoded(
    small: Photos, registry: Registry, tmp_path: Path
) -> None:
    write, place = LAYOUTS["class folders"]
    write(small, tmp_path / place)
    (tmp_path / place / "n00000005" / "n00000005_3.JPEG").write_bytes(b"no image")
    (tmp_path / place / "n00000001" / "n00000001_3.JPEG").unlink()
    with pytest.raises(BenchError, match=r"has 5 images of the train classes, not 6; it is not th"):
        read(registry, tmp_path)


def pickles(made: Photos, root: Path, old: bool, shape: tuple[int, ...] = (-1, 1)) -> Path:
    """Writes the authors' files: classes in another order, their images one by one by turns."""
    folder = root / "tiered-imagenet"
    folder.mkdir()
    names = [f"bird, {wnid[-1]}" for wnid in made]
    (folder / "class_names.txt").write_text("\n".join([*names, "bird, 1"]) + "\n")
    (folder / "synsets.txt").write_text("\n".join([*made, "n00000077"]) + "\n")
    for split, wnids in CLASSES.items():
        order = sorted(wnids)
        rows = [(n, number) for number in NUMBERS for n in range(len(order))]
        arrays = [
            np.frombuffer(png(made[order[n]][number]), dtype=np.uint8).reshape(shape)
            for n, number in rows
        ]
        labels = np.array([n for n, _ in rows], dtype=np.int32)
        called = [f"bird, {wnid[-1]}" for wnid in order]
        if old:
            images = b"\x80\x02](" + b"".join(map(array, arrays)) + b"e."
            numbers = array(labels.view(np.uint8)).replace(b"U\x02u1", b"U\x02i4")
            numbers = numbers.replace(b"U\x01|", b"U\x01<")
            shape_of_bytes = b"J" + struct.pack("<i", labels.nbytes)
            numbers = numbers.replace(shape_of_bytes, b"J" + struct.pack("<i", len(labels)), 1)
            written = dictionary(label_specific=numbers, label_specific_str=texts(called))
        else:
            images = pickle.dumps(arrays, 4)
            written = pickle.dumps({"label_specific": labels, "label_specific_str": called}, 4)
        (folder / f"{split}_images_png.pkl").write_bytes(images)
        (folder / f"{split}_labels.pkl").write_bytes(written)
    return folder


@pytest.mark.parametrize("old", [True, False])
def test_pickles_of_python_2_and_3_give_their_images(
    old: bool, small: Photos, registry: Registry, tmp_path: Path
) -> None:
    pickles(small, tmp_path, old)
    found = read(registry, tmp_path, source="pickles", side=10)
    assert [one.name for one in found] == [name for names in CLASSES.values() for name in names]
    for one in found:
        expected = [small[one.name][number].transpose(2, 0, 1) for number in NUMBERS]
        np.testing.assert_array_equal(one.inputs, np.stack(expected))


def test_hostile_pickles_are_never_called(
    small: Photos, registry: Registry, tmp_path: Path
) -> None:
    folder, trap = pickles(small, tmp_path, False), tmp_path / "trap"
    (folder / "val_images_png.pkl").write_bytes(hostile(trap))
    with pytest.raises(BenchError, match=r"val_images_png\.pkl has 0 images and .* not 3"):
        read(registry, tmp_path, source="pickles")
    (folder / "test_labels.pkl").write_bytes(hostile(trap))
    with pytest.raises(BenchError, match=r"test_labels\.pkl is not safe to read"):
        read(registry, tmp_path, source="pickles")
    assert not trap.exists()


def test_other_files_are_refused_in_one_line(
    small: Photos, registry: Registry, tmp_path: Path
) -> None:
    folder = pickles(small, tmp_path, False)
    files = {path: path.read_bytes() for path in folder.iterdir()}
    labels, images = folder / "test_labels.pkl", folder / "test_images_png.pkl"
    same = pickle.dumps(
        {"label_specific": np.zeros(6, np.int32), "label_specific_str": ["bird, 4", "bird, 5"]}
    )
    changes: list[tuple[Path, bytes | None, str]] = [
        (folder / "synsets.txt", None, r"there is no synsets\.txt in .*--set data\.path=PATH"),
        (folder / "synsets.txt", b"n00000001\n", "has 6 lines and synsets.txt 1"),
        (folder / "class_names.txt", b"a\nb\nc\nd\ne\nf\n", "'bird, 4' 0 WordNet numbers"),
        (labels, b"no pickle", "is no pickle of arrays, or is damaged"),
        (labels, pickle.dumps({"label_specific": [1]}), "does not hold label_specific"),
        (labels, same, "does not hold the 2 classes of the published split"),
        (images, files[images][:300], "is no pickle of images, or is damaged"),
        (images, pickle.dumps([]), r"has 0 images and test_labels\.pkl 6 labels, not 6"),
    ]
    for path, content, message in changes:
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BenchError, match=message) as raised:
            read(registry, tmp_path, source="pickles")
        assert "\n" not in str(raised.value)
        path.write_bytes(files[path])
    assert len(read(registry, tmp_path, source="pickles", side=4)) == 5


def test_what_is_missing_is_named_with_where_it_belongs(
    small: Photos, registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match=r"no ImageNet in .*/imagenet: .*data\.path=PATH"):
        read(registry, tmp_path)
    with pytest.raises(BenchError, match=r"no train_images_png\.pkl in .*/tiered-imagenet; put"):
        read(registry, tmp_path, source="pickles")
    assert registry.dataset("tiered-imagenet")().downloads() == ()


def test_an_image_that_test_has_too_is_left_out_of_train_in_the_cache(
    small: Photos, registry: Registry, tmp_path: Path
) -> None:
    write, place = LAYOUTS["class folders"]
    write(
        {**small, "n00000002": {**small["n00000002"], 3: small["n00000004"][26]}}, tmp_path / place
    )
    chosen: dict[str, Any] = {"source": "imagenet", "path": "", "side": 84, "resampling": "bicubic"}
    dataset = registry.dataset("tiered-imagenet")(**chosen)
    files = DataFiles(tmp_path, download=False)
    cached = open_dataset(dataset, chosen, files, lambda done, total: None)
    assert cached.record.splits["train"].classes == ("n00000001", "n00000002")
    assert cached.record.splits["train"].counts == (3, 2)
    assert cached.record.splits["test"].counts == (3, 3)
    assert cached.record.remarks == (
        "1 images of train are left out, for val or test has the same ones (of n00000002)",
    )

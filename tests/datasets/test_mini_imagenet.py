"""mini-ImageNet: the published list, and its images from every source, pixel by pixel."""

from __future__ import annotations

import base64
import csv
import importlib
import pickle
import zipfile
from collections.abc import Callable
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
from tests.datasets.cifar_files import array, dictionary, hostile, integers
from tests.datasets.imagenet_files import LAYOUTS, Photos, photos, png, shrunk, tar, write_folders

CLASSES = {"train": ["n00000001", "n00000002"], "val": ["n00000003"], "test": ["n00000004"]}
ALL = [name for names in CLASSES.values() for name in names]
NUMBERS = (100, 3, 26, 7, 11, 28)
LISTED = (1, 2, 5)  # the first, second and fifth in order: 3, 7 and 28
CHOSEN = (3, 7, 28)
LANCZOS = Image.Resampling.LANCZOS


@pytest.fixture(scope="module")
def module(registry: Registry) -> ModuleType:
    return importlib.import_module(registry.dataset("mini-imagenet").__module__)


@pytest.fixture
def small(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Photos:
    """A list of three images for each of four classes, and an ImageNet of six for each."""
    bits = np.zeros(8, dtype=np.bool_)
    bits[[number - 1 for number in LISTED]] = True
    text = base64.b64encode(np.packbits(bits).tobytes()).decode()
    lines = [f"{split} {name} {text}" for split, names in CLASSES.items() for name in names]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    monkeypatch.setattr(module, "LIST", tmp_path / "list.txt")
    return photos(ALL, NUMBERS)


def read(registry: Registry, root: Path, **chosen: Any) -> list[ClassExamples]:
    dataset = registry.dataset("mini-imagenet")(**chosen)
    return list(dataset.classes(DataFiles(root, download=False)))


def check(found: list[ClassExamples], made: Photos, side: int = 84) -> None:
    """Checks splits, and that the images are those of the list, in its order."""
    for split, names in CLASSES.items():
        assert [one.name for one in found if one.split == split] == names
    for one in found:
        expected = [shrunk(made[one.name][number], side, LANCZOS) for number in CHOSEN]
        np.testing.assert_array_equal(one.inputs, np.stack(expected))


def test_the_list_is_the_published_one_row_by_row(module: ModuleType, shared_data: Path) -> None:
    listed = module.read_list(module.LIST)
    rows = {"train": 38_400, "val": 9_600, "test": 12_000}
    for split, count in rows.items():
        mine = [
            (f"{one.name}{number:08d}.jpg", one.name)
            for one in listed
            if one.split == split
            for number in one.numbers
        ]
        with (shared_data / "splits/mini-imagenet" / f"{split}.csv").open() as file:
            published = [tuple(row) for row in csv.reader(file)][1:]
        assert mine == published
        assert len(mine) == count
    assert len({one.name for one in listed}) == 100
    assert {len(one.numbers) for one in listed} == {600}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_listed_images_are_found_in_every_layout_of_imagenet(
    layout: str, small: Photos, registry: Registry, tmp_path: Path
) -> None:
    write, place = LAYOUTS[layout]
    write(small, tmp_path / place)
    check(read(registry, tmp_path), small)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_imagenet_may_lie_anywhere_if_it_is_named(
    layout: str, small: Photos, registry: Registry, tmp_path: Path
) -> None:
    write, place = LAYOUTS[layout]
    write(small, tmp_path / "elsewhere" / place)
    named = tmp_path / "elsewhere" / place
    check(read(registry, tmp_path, path=str(named), side=12), small, 12)
    check(read(registry, tmp_path, path=str(named.parent)), small)


def named_as_listed(made: Photos) -> dict[str, bytes]:
    return {
        f"{wnid}{place:08d}.jpg": png(images[number])
        for wnid, images in made.items()
        for place, number in zip(LISTED, CHOSEN, strict=True)
    }


def as_folder(files: dict[str, bytes], root: Path) -> None:
    for name, content in files.items():
        path = root / "mini-imagenet" / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def as_zip(files: dict[str, bytes], root: Path) -> None:
    (root / "miniImagenet").mkdir()
    with zipfile.ZipFile(root / "miniImagenet" / "images.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(f"images/{name}", content)


def as_tar(files: dict[str, bytes], root: Path) -> None:
    content = tar({f"mini/images/{name}": content for name, content in files.items()})
    (root / "mini-imagenet.tar").write_bytes(content)


@pytest.mark.parametrize("write", [as_folder, as_zip, as_tar])
def test_images_named_as_in_the_list_are_found_in_folders_zips_and_tars(
    write: Callable[[dict[str, bytes], Path], None],
    small: Photos,
    registry: Registry,
    tmp_path: Path,
) -> None:
    files = named_as_listed(small)
    files["n0000000100000006.jpg"] = b"not in the list, so never read"
    write(files, tmp_path)
    check(read(registry, tmp_path, source="images"), small)


def class_folders(made: Photos, root: Path, rename: Callable[[str], str]) -> None:
    for split, names in CLASSES.items():
        for name in names:
            folder = root / "mini-imagenet" / split / rename(name)
            folder.mkdir(parents=True)
            for number in CHOSEN:
                (folder / f"{number:03d}.png").write_bytes(png(made[name][number]))


@pytest.mark.parametrize("rename", [str, lambda name: f"bird {name[-1]}"])
def test_class_folders_below_the_splits_are_taken_as_they_are(
    rename: Callable[[str], str], small: Photos, registry: Registry, tmp_path: Path
) -> None:
    class_folders(small, tmp_path, rename)
    found = read(registry, tmp_path, source="images")
    assert [one.name for one in found] == [rename(name) for name in (ALL[3], ALL[2], *ALL[:2])]
    check(
        [
            ClassExamples(old, one.split, one.inputs)
            for old, one in zip((ALL[3], ALL[2], *ALL[:2]), found, strict=True)
        ],
        small,
    )


def pickles(root: Path, old: bool, **change: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Writes the three pickles, as Python 2 or 3 does, and returns the images of each class."""
    rng = np.random.default_rng(1)
    pixels: dict[str, np.ndarray[Any, Any]] = {}
    (root / "mini-imagenet").mkdir(exist_ok=True)
    for split, names in CLASSES.items():
        images = rng.integers(0, 256, (3 * len(names), 84, 84, 3), dtype=np.uint8)
        rows = {name: list(range(n, len(images), len(names))) for n, name in enumerate(names)}
        pixels |= {name: images[mine].transpose(0, 3, 1, 2) for name, mine in rows.items()}
        path = root / "mini-imagenet" / f"mini-imagenet-cache-{split}.pkl"
        if old:
            inner = dictionary(**{name: integers(mine) for name, mine in rows.items()})
            content = dictionary(image_data=array(images), class_dict=inner[2:-1])
        else:
            content = pickle.dumps({"image_data": images, "class_dict": rows, **change}, 2)
        path.write_bytes(content)
    return pixels


@pytest.mark.parametrize("old", [True, False])
def test_pickles_of_python_2_and_3_give_their_images(
    old: bool, small: Photos, registry: Registry, tmp_path: Path
) -> None:
    pixels = pickles(tmp_path, old)
    found = read(registry, tmp_path, source="pickles")
    assert [one.name for one in found] == [ALL[3], ALL[2], *ALL[:2]]
    for one in found:
        np.testing.assert_array_equal(one.inputs, pixels[one.name])


def test_a_pickle_that_calls_anything_is_refused_before_it_is_called(
    small: Photos, registry: Registry, tmp_path: Path
) -> None:
    pickles(tmp_path, False)
    trap = tmp_path / "trap"
    (tmp_path / "mini-imagenet" / "mini-imagenet-cache-val.pkl").write_bytes(hostile(trap))
    with pytest.raises(BenchError, match=r"cache-val\.pkl is not safe to read"):
        read(registry, tmp_path, source="pickles")
    assert not trap.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_data": np.zeros((9, 84, 84), dtype=np.uint8)}, "does not hold image_data"),
        ({"image_data": np.zeros((9, 84, 84, 3), dtype=np.float32)}, "does not hold image_data"),
        ({"class_dict": [1, 2]}, "does not hold image_data"),
        ({"class_dict": {"n00000009": [0, 1, 2]}}, "n00000004 is missing"),
        ({"class_dict": {"n00000004": [0, 1, 1]}}, "does not have 3 images of class n00000004"),
        ({"class_dict": {"n00000004": [0, 1, 99]}}, "does not have 3 images of class n00000004"),
        ({"class_dict": {"n00000004": [0, 1, -1]}}, "does not have 3 images of class n00000004"),
        ({"class_dict": {"n00000004": ["a"]}}, "does not hold whole numbers"),
    ],
)
def test_pickles_with_other_contents_are_refused(
    change: dict[str, Any], message: str, small: Photos, registry: Registry, tmp_path: Path
) -> None:
    pickles(tmp_path, False, **change)
    with pytest.raises(BenchError, match=message):
        read(registry, tmp_path, source="pickles")


def test_pickles_have_one_size(small: Photos, registry: Registry, tmp_path: Path) -> None:
    pickles(tmp_path, False)
    with pytest.raises(BenchError, match="side is 32, but the pickles hold images of 84x84"):
        read(registry, tmp_path, source="pickles", side=32)


def test_a_source_that_is_missing_is_named_with_where_it_belongs(
    small: Photos, registry: Registry, tmp_path: Path
) -> None:
    expected = {
        "imagenet": r"no ImageNet in .*/imagenet: .*data\.path=PATH",
        "images": r"no .*/mini-imagenet, a folder, .*data\.path=PATH \(nobody serves",
        "pickles": r"no mini-imagenet-cache-train\.pkl in .*/mini-imagenet; .*nobody serves",
    }
    for source, message in expected.items():
        with pytest.raises(BenchError, match=message) as raised:
            read(registry, tmp_path, source=source)
        assert "\n" not in str(raised.value)
        with pytest.raises(BenchError, match="there is no file or folder /nowhere"):
            read(registry, tmp_path, source=source, path="/nowhere")
    assert registry.dataset("mini-imagenet")().downloads() == ()


def test_an_incomplete_imagenet_is_refused(
    small: Photos, registry: Registry, tmp_path: Path
) -> None:
    few = {wnid: dict(list(images.items())[:4]) for wnid, images in small.items()}
    write_folders(few, tmp_path / "imagenet" / "train")
    with pytest.raises(BenchError, match=r"n00000004 has 4 images .* names number 5"):
        read(registry, tmp_path)
    write_folders({"n00000001": small["n00000001"]}, tmp_path / "other")
    with pytest.raises(BenchError, match="has no class n00000004; it is not the whole"):
        read(registry, tmp_path, path=str(tmp_path / "other"))


def test_damaged_sources_are_refused_in_one_line(
    small: Photos, registry: Registry, tmp_path: Path
) -> None:
    write, place = LAYOUTS["the whole tar at the root"]
    write(small, tmp_path / place)
    whole = (tmp_path / place).read_bytes()
    (tmp_path / place).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BenchError, match="cannot be read as a tar"):
        read(registry, tmp_path)
    (tmp_path / place).unlink()
    (tmp_path / "mini-imagenet.tar").write_bytes(tar(named_as_listed(small), "w:gz"))
    with pytest.raises(BenchError, match="if it is compressed, unpack it"):
        read(registry, tmp_path, source="images")
    files = named_as_listed(small)
    del files["n0000000200000005.jpg"]
    files["n0000000400000001.jpg"] = b"no image"
    as_folder(files, tmp_path)
    with pytest.raises(BenchError, match=r"has 11 of the 12 images .*n0000000200000005\.jpg"):
        read(registry, tmp_path, source="images")
    as_folder({"n0000000200000005.jpg": b""}, tmp_path)
    with pytest.raises(BenchError, match=r"n0000000400000001\.jpg is no image"):
        read(registry, tmp_path, source="images")


def test_class_folders_other_than_published_are_refused(
    small: Photos, registry: Registry, tmp_path: Path
) -> None:
    class_folders(small, tmp_path, str)
    folder = tmp_path / "mini-imagenet" / "train" / "n00000002"
    (folder / "003.png").unlink()
    with pytest.raises(BenchError, match=r"train/n00000002 in .* has 2 images, not 3"):
        read(registry, tmp_path, source="images")
    folder.rename(folder.with_name("n00000009"))
    with pytest.raises(BenchError, match="has 2 class folders in train, such as n00000009"):
        read(registry, tmp_path, source="images")


def test_it_is_cached_and_tells_how_images_were_found(
    small: Photos, registry: Registry, tmp_path: Path
) -> None:
    write_folders(small, tmp_path / "imagenet" / "train")
    chosen: dict[str, Any] = {"source": "imagenet", "path": "", "side": 84, "resampling": "lanczos"}
    dataset = registry.dataset("mini-imagenet")(**chosen)
    files = DataFiles(tmp_path, download=False)
    cached = open_dataset(dataset, chosen, files, lambda done, total: None)
    assert cached.record.splits["train"].classes == ("n00000001", "n00000002")
    assert cached.record.splits["train"].shape == (3, 84, 84)
    assert "path" not in cached.record.parameters
    (remark,) = cached.record.remarks
    assert "numbers the images of each class without saying how" in remark


def test_images_from_another_place_are_not_taken_from_the_cache_of_the_first(
    small: Photos, registry: Registry, tmp_path: Path
) -> None:
    fingerprints = set()
    for place, made in (("one", small), ("other", photos(ALL, NUMBERS, seed=1))):
        as_folder(named_as_listed(made), tmp_path / place)
        chosen: dict[str, Any] = {
            "source": "images",
            "path": str(tmp_path / place / "mini-imagenet"),
        }
        dataset = registry.dataset("mini-imagenet")(**chosen)
        files = DataFiles(tmp_path, download=False)
        cached = open_dataset(dataset, chosen, files, lambda done, total: None)
        fingerprints.add(cached.record.fingerprint)
    assert len(fingerprints) == 2

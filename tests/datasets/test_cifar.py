"""CIFAR-FS and FC100: the published splits, images pixel by pixel, files that were changed."""

from __future__ import annotations

import importlib
import json
import shutil
import tarfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from bench.cache import open_dataset
from bench.dataset import ClassExamples, DataFiles
from bench.errors import BenchError
from bench.extras import import_extra
from bench.registry import Registry
from tests.datasets.cifar_files import Cifar, array, dictionary, hostile, integers, known, made

BOTH = ("cifar-fs", "fc100")


@pytest.fixture(scope="module")
def module(registry: Registry) -> ModuleType:
    """The module that both datasets read their files with."""
    return importlib.import_module(registry.dataset("fc100").__mro__[1].__module__)


@pytest.fixture
def cifar(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Cifar:
    above = {name: upper for upper, names in module.SUPERCLASSES.items() for name in names}
    small = made(list(module.CLASSES), list(module.SUPERCLASSES), above)
    known(small, module, monkeypatch)
    return small


def read(registry: Registry, name: str, root: Path) -> list[ClassExamples]:
    return list(registry.dataset(name)().classes(DataFiles(root, download=False)))


def test_there_are_100_classes_in_20_superclasses_of_5(module: ModuleType) -> None:
    assert len(set(module.CLASSES)) == 100 == len(module.CLASSES)
    assert [len(names) for names in module.SUPERCLASSES.values()] == [5] * 20
    assert list(module.SUPERCLASSES) == sorted(module.SUPERCLASSES)  # their numbers in the files


def test_the_split_of_cifar_fs_is_the_published_one_with_its_superclasses(
    cifar: Cifar, registry: Registry, tmp_path: Path, shared_data: Path
) -> None:
    cifar.write(tmp_path / "cifar-100-python")
    dataset = registry.dataset("cifar-fs")()
    found = read(registry, "cifar-fs", tmp_path)
    for split, count in (("train", 64), ("val", 16), ("test", 20)):
        published = json.loads((shared_data / "splits/cifar-fs" / f"{split}.json").read_text())
        assert len(published) == count
        mine = [[dataset.group(c.name), c.name] for c in found if c.split == split]
        assert sorted(mine) == sorted(published)
    assert len(found) == dataset.class_count() == 100


def test_the_split_of_fc100_is_the_published_one_by_superclass(
    cifar: Cifar, registry: Registry, tmp_path: Path, shared_data: Path
) -> None:
    cifar.write(tmp_path / "cifar-100-python")
    dataset = registry.dataset("fc100")()
    found = read(registry, "fc100", tmp_path)
    for split, count in (("train", 60), ("val", 20), ("test", 20)):
        published = json.loads((shared_data / "splits/fc100" / f"{split}.json").read_text())
        mine = [c.name for c in found if c.split == split]
        assert {dataset.group(name) for name in mine} == set(published)
        assert len(mine) == len(set(mine)) == count == 5 * len(published)


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("folder", ["cifar-100-python", "cifar100/cifar-100-python"])
def test_each_class_has_its_images_of_both_parts(
    name: str, folder: str, cifar: Cifar, registry: Registry, tmp_path: Path
) -> None:
    cifar.write(tmp_path / folder)
    found = read(registry, name, tmp_path)
    assert {one.name for one in found} == set(cifar.images)
    for one in found:
        np.testing.assert_array_equal(one.inputs, cifar.images[one.name])
    form = registry.dataset(name)().form()
    assert form is not None and form.shape == found[0].inputs.shape[1:] == (3, 32, 32)


def test_an_archive_that_is_there_is_unpacked_where_torchvision_looks_for_it(
    cifar: Cifar, registry: Registry, tmp_path: Path
) -> None:
    cifar.write(tmp_path / "elsewhere" / "cifar-100-python")
    with tarfile.open(tmp_path / "cifar-100-python.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "elsewhere" / "cifar-100-python", "cifar-100-python")
    assert len(read(registry, "fc100", tmp_path)) == 100
    assert (tmp_path / "cifar-100-python" / "train").read_bytes() == cifar.files["train"]


def test_an_image_that_test_has_too_is_left_out_of_train_and_told(
    module: ModuleType, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = {name: upper for upper, names in module.SUPERCLASSES.items() for name in names}
    small = made(list(module.CLASSES), list(module.SUPERCLASSES), above)
    pixels = small.images["whale"][0].tobytes()  # a test class; apple trains, beaver validates
    train = small.files["train"]
    for name in ("apple", "beaver"):
        train = train.replace(small.images[name][1].tobytes(), pixels)
    known_small = Cifar({**small.files, "train": train}, small.images)
    known(known_small, module, monkeypatch)
    known_small.write(tmp_path / "cifar-100-python")
    dataset = registry.dataset("cifar-fs")()
    cached = open_dataset(dataset, {}, DataFiles(tmp_path, False), lambda done, total: None)
    counts = {
        name: count
        for split in cached.record.splits.values()
        for name, count in zip(split.classes, split.counts, strict=True)
    }
    assert {name for name, count in counts.items() if count != 3} == {"apple", "beaver"}
    assert counts["apple"] == counts["beaver"] == 2
    assert cached.record.remarks == (
        "1 images of val are left out, for test has the same ones (of beaver)",
        "1 images of train are left out, for val or test has the same ones (of apple)",
    )


def test_missing_files_are_named_with_where_they_belong(
    cifar: Cifar, registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(BenchError, match=r"cifar-100-python\.tar\.gz"):
        read(registry, "fc100", tmp_path)
    cifar.write(tmp_path / "cifar-100-python")
    (tmp_path / "cifar-100-python" / "meta").unlink()
    with pytest.raises(BenchError, match=r"no file .*meta; put the files .* of cifar"):
        read(registry, "fc100", tmp_path)


def test_a_changed_file_is_refused_by_its_md5(
    cifar: Cifar, registry: Registry, tmp_path: Path
) -> None:
    cifar.write(tmp_path / "cifar-100-python")
    train = tmp_path / "cifar-100-python" / "train"
    train.write_bytes(train.read_bytes()[:-100])
    with pytest.raises(BenchError, match=r"train is not the published file \(md5 [0-9a-f]{32}"):
        read(registry, "cifar-fs", tmp_path)


def with_train(
    content: bytes, cifar: Cifar, module: ModuleType, folder: Path, patch: pytest.MonkeyPatch
) -> None:
    """Writes the files with another train, which the dataset takes for the published one."""
    shutil.rmtree(folder, ignore_errors=True)
    changed = Cifar({**cifar.files, "train": content}, cifar.images)
    known(changed, module, patch)
    changed.write(folder)


def test_a_pickle_that_calls_anything_is_refused_before_it_is_called(
    cifar: Cifar,
    module: ModuleType,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trap = tmp_path / "trap"
    with_train(hostile(trap), cifar, module, tmp_path / "cifar-100-python", monkeypatch)
    with pytest.raises(BenchError, match=r"not safe to read: it calls posix\.mkdir"):
        read(registry, "cifar-fs", tmp_path)
    assert not trap.exists()


def test_files_with_other_contents_are_refused_in_one_line(
    cifar: Cifar,
    module: ModuleType,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = array(np.zeros((5, 3072), dtype=np.uint8))
    some = integers([0] * 5)
    contents = {
        "no pickle of arrays, or is damaged": cifar.files["train"][:5000],
        "does not hold 2 images": dictionary(data=few, fine_labels=some, coarse_labels=some),
        "holds no dict": b"\x80\x02]q\x00.",
        "does not hold 2 images of": dictionary(data=integers([3])),
    }
    for message, content in contents.items():
        with_train(content, cifar, module, tmp_path / "cifar-100-python", monkeypatch)
        with pytest.raises(BenchError, match=message) as raised:
            read(registry, "cifar-fs", tmp_path)
        assert "\n" not in str(raised.value)


def test_a_superclass_that_does_not_fit_its_class_is_refused(
    module: ModuleType, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = {name: upper for upper, names in module.SUPERCLASSES.items() for name in names}
    above["apple"] = "fish"
    wrong = made(list(module.CLASSES), list(module.SUPERCLASSES), above)
    known(wrong, module, monkeypatch)
    wrong.write(tmp_path / "cifar-100-python")
    with pytest.raises(BenchError, match="does not hold 2 images"):
        read(registry, "fc100", tmp_path)


def test_class_names_in_another_order_are_refused(
    module: ModuleType, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = {name: upper for upper, names in module.SUPERCLASSES.items() for name in names}
    wrong = made(list(module.CLASSES[::-1]), list(module.SUPERCLASSES), above)
    known(wrong, module, monkeypatch)
    wrong.write(tmp_path / "cifar-100-python")
    with pytest.raises(BenchError, match="names other classes than those of CIFAR-100"):
        read(registry, "fc100", tmp_path)


def test_what_is_fetched_and_its_md5_are_as_torchvision_has_them(
    module: ModuleType, registry: Registry
) -> None:
    (download,) = registry.dataset("fc100")().downloads()
    theirs = import_extra("torchvision.datasets").CIFAR100
    assert (download.digest, *download.urls) == (f"md5:{theirs.tgz_md5}", theirs.url)
    meta = [theirs.meta["filename"], theirs.meta["md5"]]
    assert [list(item) for item in module.FILES.items()] == [
        *theirs.train_list,
        *theirs.test_list,
        meta,
    ]

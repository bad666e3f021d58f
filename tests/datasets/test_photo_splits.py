"""Class splits and names of the photo datasets, against the published lists and torchvision."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from bench.dataset import as_split
from bench.extras import import_extra
from bench.registry import Registry
from tests.datasets.fake_archives import PHOTOS, made, module_of, prepare, read

META = {
    "flowers102": "vgg_flower",
    "aircraft": "aircraft",
    "dtd": "dtd",
    "gtsrb": "traffic_sign",
}


def published(shared_data: Path, name: str) -> dict[str, str]:
    """Returns Meta-Dataset's split of each class."""
    path = shared_data / "splits" / "meta-dataset" / f"{META[name]}_splits.json"
    lists = json.loads(path.read_text(encoding="utf-8"))
    return {
        one: as_split({"valid": "val"}.get(split, split))
        for split, names in lists.items()
        for one in names
    }


@pytest.mark.parametrize("name", ["flowers102", "gtsrb"])
def test_numbered_classes_have_meta_datasets_names_and_splits(
    name: str,
    registry: Registry,
    shared_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (fake,) = (one for one in PHOTOS if one.name == name)
    dataset, _ = prepare(fake, registry, monkeypatch, tmp_path)
    found = {one.name: one.split for one in read(dataset, tmp_path).values()}
    assert found == published(shared_data, name)


@pytest.mark.parametrize("name", ["aircraft", "dtd"])
def test_named_classes_have_meta_datasets_splits(
    name: str, registry: Registry, shared_data: Path
) -> None:
    module = module_of(registry, name)
    expected = published(shared_data, name)
    assert set(module.VAL) == {one for one, split in expected.items() if split == "val"}
    assert set(module.TEST) == {one for one, split in expected.items() if split == "test"}
    assert len(expected) == made(registry, name).class_count()


def test_flowers_have_the_numbers_that_torchvision_gives_them(registry: Registry) -> None:
    """The labels of the files count from 1, in torchvision's order from 0."""
    theirs = getattr(import_extra("torchvision.datasets").Flowers102, "classes", None)
    if theirs is None:
        pytest.skip("this version of torchvision does not name the flowers")
    assert list(module_of(registry, "flowers102").NAMES) == theirs


def test_the_split_of_cars_has_the_sizes_of_its_paper(registry: Registry) -> None:
    """Li et al. 2019, section 4: 130, 17 and 49 classes of 196."""
    module = module_of(registry, "cars")
    assert len(set(module.VAL)) == len(module.VAL) == 17
    assert len(set(module.TEST)) == len(module.TEST) == 49
    assert not set(module.VAL) & set(module.TEST)
    assert {*module.VAL, *module.TEST} < set(range(1, 197))


def test_the_split_of_food_is_the_one_that_was_drawn(registry: Registry) -> None:
    """In the order of the sha256 of "0/" and the name: 20 for test, then 16 for val."""
    module = module_of(registry, "food101")
    order = {
        name: hashlib.sha256(f"0/{name}".encode()).digest() for name in (*module.TEST, *module.VAL)
    }
    assert len(module.TEST) == 20 and len(module.VAL) == 16 and len(order) == 36
    assert set(sorted(order, key=lambda name: order[name])[:20]) == set(module.TEST)

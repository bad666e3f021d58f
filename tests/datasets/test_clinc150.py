"""CLINC150: its files, its splits, and what is left out, on small files and on the real ones."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.dataset import ClassExamples, DataFiles, Split
from bench.errors import BenchError
from bench.registry import Registry

TRAIN = ("home", "utility", "banking", "kitchen_and_dining", "meta")
DOMAINS: dict[str, Split] = {
    **dict.fromkeys(TRAIN, "train"),
    **dict.fromkeys(("small_talk", "credit_cards"), "val"),
    **dict.fromkeys(("work", "travel", "auto_and_commute"), "test"),
}
HASHING: dict[str, Any] = {"embedding": "hashing"}
PARTS = {"train": 4, "val": 1, "test": 2}

# The sha256 of the sorted names in labels.train.txt, .valid.txt and .test.txt of each fold, joined
# by line ends, in github.com/tdopierre/ProtAugment, data/OOS/few_shot.
FOLDS = (
    ("a4d5fb41ea32b15b", "2425a51aa4a184f2", "42017930a503bab1"),
    ("d3c494290959d264", "331a354a2645d93f", "e9c29660d2150ec2"),
    ("59b761038265a7c6", "272490cf0fe62f67", "b6a0dc4c5300ff1b"),
    ("963d0b7c73b9144a", "0a9fc07f56a516eb", "b2e268d5624f699e"),
    ("dd7fa6b9c72cbd13", "f0ee30140a0ec4ca", "50b66128cf2a02ce"),
)


@pytest.fixture(scope="module")
def module(registry: Registry) -> ModuleType:
    return importlib.import_module(registry.dataset("clinc150").__module__)


def contents() -> dict[str, Any]:
    """Returns files of the real layout: 150 intents, 7 texts of each, one of them twice."""
    domains = {d: [f"{d}_{number}" for number in range(15)] for d in DOMAINS}
    intents = [intent for own in domains.values() for intent in own]
    full = {
        part: [[f"{part} {n} about {i}", i] for i in intents for n in range(count)]
        for part, count in PARTS.items()
    }
    full["test"].append(["Train 0  about work_0", "work_1"])
    full["oos_test"] = [["nobody knows", "oos"]]
    return {"data_full.json": full, "domains.json": domains}


def write(folder: Path, files: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def known(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Small files, that the dataset takes for the real ones."""
    files = contents()
    lines = [
        f"{part}/{intent.rpartition('_')[0]}/{intent}/{text}\n"
        for part in PARTS
        for text, intent in files["data_full.json"][part]
    ]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    monkeypatch.setattr(module, "TEXTS", digest)
    return files


def read(registry: Registry, root: Path, **parameters: Any) -> list[ClassExamples]:
    dataset = registry.dataset("clinc150")(**{"dimensions": 16, **parameters})
    found = list(dataset.classes(DataFiles(root, download=False)))
    assert len(found) == dataset.class_count()
    return found


@pytest.mark.parametrize("folder", ["text/clinc150", "clinc150", "oos-eval/data", "."])
def test_the_files_are_found_wherever_they_usually_lie(
    registry: Registry, known: dict[str, Any], tmp_path: Path, folder: str
) -> None:
    write(tmp_path / folder, known)
    found = read(registry, tmp_path, embedding="hashing")
    assert all(one.inputs.dtype == np.float32 for one in found)
    assert {one.inputs.shape for one in found} == {(7, 16)}


def test_no_domain_is_in_two_splits(
    registry: Registry, known: dict[str, Any], tmp_path: Path
) -> None:
    write(tmp_path / "clinc150", known)
    found = read(registry, tmp_path)
    dataset = registry.dataset("clinc150")()
    assert {dataset.group(one.name) for one in found} == set(DOMAINS)
    assert all(one.split == DOMAINS[dataset.group(one.name)] for one in found)
    assert Counter(one.split for one in found) == {"train": 75, "val": 30, "test": 45}


def test_what_is_left_out_is_said(
    registry: Registry, known: dict[str, Any], tmp_path: Path
) -> None:
    write(tmp_path / "clinc150", known)
    dataset = registry.dataset("clinc150")(**HASHING)
    found = {one.name: one.inputs for one in dataset.classes(DataFiles(tmp_path))}
    assert len(found["work/work_1"]) == 7  # the text that work_0 has in train is not among them
    assert dataset.remarks() == (
        "the out-of-scope texts are left out: they have no class",
        "1 texts that occur twice count once",
    )


def test_absent_files_are_told_by_name(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"data_full\.json"):
        read(registry, tmp_path)


def test_files_that_are_not_the_published_ones_are_refused(
    registry: Registry, known: dict[str, Any], tmp_path: Path
) -> None:
    known["data_full.json"]["train"][0][0] = "another text"
    write(tmp_path / "clinc150", known)
    with pytest.raises(BenchError, match=r"sha256 \w{12}.*fetch it again"):
        read(registry, tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "cannot be read"),
        (b'{"train": [', "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"[1, 2]", "no object"),
        (b'{"train": 3}', "does not list texts"),
        (b'{"train": [["hello", "no such intent"]]}', "does not list texts"),
        (b'{"train": [["hello"]]}', "does not list texts"),
    ],
)
def test_a_damaged_file_is_told_in_one_line(
    registry: Registry, known: dict[str, Any], tmp_path: Path, content: bytes, told: str
) -> None:
    write(tmp_path / "clinc150", known)
    (tmp_path / "clinc150" / "data_full.json").write_bytes(content)
    with pytest.raises(BenchError, match=told) as caught:
        read(registry, tmp_path)
    assert "\n" not in str(caught.value)


def test_the_real_set_has_150_texts_of_each_intent_but_for_repeats(
    registry: Registry, shared_data: Path
) -> None:
    found = read(registry, shared_data, embedding="hashing")
    sizes = {one.name: len(one.inputs) for one in found}
    assert sum(sizes.values()) == 22_500 - 5 - 1  # repeats, and a vector that two splits have
    assert set(sizes.values()) == {149, 150}
    assert sizes["home/reminder"] == 149  # "what is on my to do list" is home/todo_list's


@pytest.mark.parametrize("fold", range(1, 6))
def test_the_published_folds_are_those_of_their_authors(
    registry: Registry, module: ModuleType, shared_data: Path, fold: int
) -> None:
    text = (shared_data / "text" / "clinc150" / "domains.json").read_text(encoding="utf-8")
    intents = [intent for own in json.loads(text).values() for intent in own]
    splits = module.published_fold(module.CLINC150, fold, intents)
    for split, expected in zip(("train", "val", "test"), FOLDS[fold - 1], strict=True):
        names = sorted(name for name, own in splits.items() if own == split)
        assert len(names) == 50
        assert hashlib.sha256("\n".join(names).encode()).hexdigest().startswith(expected)

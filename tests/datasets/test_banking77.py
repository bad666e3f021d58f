"""BANKING77: its files, its splits, and what is left out, on small files and on the real ones."""

from __future__ import annotations

import csv
import hashlib
import importlib
import json
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench.dataset import ClassExamples, DataFiles
from bench.errors import BenchError
from bench.registry import Registry

# The sha256 of the sorted names in labels.train.txt, .valid.txt and .test.txt of each fold, joined
# by line ends, in github.com/tdopierre/ProtAugment, data/BANKING77/few_shot.
FOLDS = (
    ("cf52b499a4efa135", "6b2281e16472eb21", "0bba251e616b7956"),
    ("ca06941d23eb1178", "e6673cf6c9b5d3cf", "9497b09278e0ea6e"),
    ("47009f802f42b3ae", "5db7ab23a6aab721", "68f105b85176f984"),
    ("aaf2edb5de7ee8bc", "c2046b5660da235b", "5be42071537c1b4f"),
    ("c91a68e93c8445b9", "3eb651b9cfd7c2da", "90e9d320e15942b6"),
)
LETTERS = np.array(list("abcdefghij "))
Rows = dict[str, list[list[str]]]


@pytest.fixture(scope="module")
def module(registry: Registry) -> ModuleType:
    return importlib.import_module(registry.dataset("banking77").__module__)


@pytest.fixture
def rows(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Rows:
    """The rows of small files of 77 intents, that the dataset takes for the real ones."""
    rng = np.random.default_rng(0)
    found = {
        part: [
            [f'a "{"".join(rng.choice(LETTERS, 30))}",\nplease', f"intent_{intent}"]
            for intent in range(77)
            for _ in range(count)
        ]
        for part, count in (("train", 4), ("test", 2))
    }
    found["test"][0][0] = found["train"][0][0].upper()
    lines = [f"{intent}/{text}\n" for part in found.values() for text, intent in part]
    monkeypatch.setattr(module, "TEXTS", hashlib.sha256("".join(lines).encode()).hexdigest())
    return found


def write(folder: Path, rows: Rows) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, own in rows.items():
        with (folder / f"{part}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text", "category"], *own])


def read(registry: Registry, root: Path, **parameters: Any) -> list[ClassExamples]:
    dataset = registry.dataset("banking77")(**{"dimensions": 16, **parameters})
    found = list(dataset.classes(DataFiles(root, download=False)))
    assert len(found) == dataset.class_count()
    return found


@pytest.mark.parametrize("folder", ["text/banking77", "banking77", "banking_data"])
def test_both_files_are_read_and_a_text_counts_once(
    registry: Registry, rows: Rows, tmp_path: Path, folder: str
) -> None:
    write(tmp_path / folder, rows)
    sizes = {one.name: len(one.inputs) for one in read(registry, tmp_path)}
    assert sizes.pop("intent_0") == 5
    assert set(sizes.values()) == {6}


def test_there_are_25_intents_to_train_25_to_validate_and_27_to_test(
    registry: Registry, rows: Rows, tmp_path: Path
) -> None:
    write(tmp_path / "banking77", rows)
    folds = [
        {one.name: one.split for one in read(registry, tmp_path, split=f"protaugment-{n}")}
        for n in (1, 2)
    ]
    assert folds[0] != folds[1]
    for fold in folds:
        assert Counter(fold.values()) == {"train": 25, "val": 25, "test": 27}


def test_absent_files_are_told_by_name(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"train\.csv"):
        read(registry, tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "columns text,category"),
        (b"text,label\nhello,a\n", "columns text,category"),
        (b"text,category\nhello\n", "columns text,category"),
        (b"text,category\nh\xe9llo,a\n", "cannot be read"),
        (b"text,category\nhello,a\n", "sha256"),
    ],
)
def test_a_damaged_file_is_told_in_one_line(
    registry: Registry, rows: Rows, tmp_path: Path, content: bytes, told: str
) -> None:
    write(tmp_path / "banking77", rows)
    (tmp_path / "banking77" / "train.csv").write_bytes(content)
    with pytest.raises(BenchError, match=told) as caught:
        read(registry, tmp_path)
    assert "\n" not in str(caught.value)


def test_the_real_set_has_13083_texts_of_which_12_are_repeats(
    registry: Registry, shared_data: Path
) -> None:
    found = read(registry, shared_data, embedding="hashing", dimensions=64)
    assert sum(len(one.inputs) for one in found) == 13_083 - 12
    sizes = [len(one.inputs) for one in found]
    assert (min(sizes), max(sizes)) == (75, 227)  # 35 to 187 to train with, 40 to test


@pytest.mark.parametrize("fold", range(1, 6))
def test_the_published_folds_are_those_of_their_authors(
    module: ModuleType, shared_data: Path, fold: int
) -> None:
    text = (shared_data / "text" / "banking77" / "categories.json").read_text(encoding="utf-8")
    splits = module.published_fold(module.BANKING77, fold, json.loads(text))
    counts = (("train", 25), ("val", 25), ("test", 27))
    for (split, count), expected in zip(counts, FOLDS[fold - 1], strict=True):
        names = sorted(name for name, own in splits.items() if own == split)
        assert len(names) == count
        assert hashlib.sha256("\n".join(names).encode()).hexdigest().startswith(expected)

"""Class splits: the same everywhere, of useful sizes, and files that say what does not fit."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from bench.classsplit import draw_split, read_split, write_split
from bench.dataset import Split
from bench.errors import BenchError


def names(count: int) -> list[str]:
    return [f"class {number}" for number in range(count)]


def sizes(count: int, seed: int = 0) -> tuple[int, int, int]:
    found = Counter(draw_split(names(count), seed).values())
    return found["train"], found["val"], found["test"]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (4, (2, 0, 2)),
        (7, (4, 0, 3)),
        (8, (3, 0, 5)),
        (12, (7, 0, 5)),
        (19, (14, 0, 5)),
        (20, (10, 5, 5)),
        (81, (52, 13, 16)),
        (100, (64, 16, 20)),
        (1000, (640, 160, 200)),
    ],
)
def test_small_sets_keep_five_ways_in_test_and_large_ones_the_shares_of_mini_imagenet(
    count: int, expected: tuple[int, int, int]
) -> None:
    assert sizes(count) == expected
    assert sizes(count, seed=9) == expected


def test_from_eight_classes_on_every_split_that_there_is_is_of_use() -> None:
    for count in range(8, 400):
        train, val, test = sizes(count)
        assert train + val + test == count
        assert train >= 3
        assert test >= 5
        assert val == 0 or (val >= 5 and train >= 10)


def test_classes_are_in_the_order_of_the_hash_of_seed_and_name_test_first() -> None:
    splits = draw_split(names(30), 7)
    order = sorted(names(30), key=lambda n: hashlib.sha256(f"7/{n}".encode()).hexdigest())
    assert [splits[name] for name in order] == ["test"] * 6 + ["val"] * 5 + ["train"] * 19


def test_order_and_repetition_of_the_names_make_no_difference() -> None:
    drawn = draw_split([*reversed(names(20)), *names(20)], 3)
    assert drawn == draw_split(names(20), 3)
    assert list(drawn) == sorted(names(20))


def test_another_seed_gives_another_split() -> None:
    splits = {tuple(sorted(draw_split(names(40), seed).items())) for seed in range(20)}
    assert len(splits) == 20


def test_each_class_comes_into_test_as_often_as_others() -> None:
    """Of 400 seeds a class is in test 80 times on average; the standard deviation is 8."""
    counts = Counter(
        name
        for seed in range(400)
        for name, split in draw_split(names(100), seed).items()
        if split == "test"
    )
    assert sum(counts.values()) == 400 * 20
    assert all(abs(counts[name] - 80) < 5 * 8 for name in names(100))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_classes_are_told_what_to_do(count: int) -> None:
    with pytest.raises(BenchError, match=rf"{count} class.* cannot be divided .*classes=fixed"):
        draw_split(names(count), 0)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    splits = draw_split([*names(20), 'a, "b"', "猫", "caf\u00e9"], 0)
    write_split(path, splits)
    assert read_split(path, splits) == splits
    assert path.read_text(encoding="utf-8").startswith("class,split\n")
    assert [one.name for one in tmp_path.iterdir()] == ["splits.csv"]


def test_a_file_with_other_columns_aliases_and_capitals_is_read(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    path.write_text(
        "id;Split;class\n1;valid;cafe\u0301\n2;TRAIN;dog\n2;train;dog\n", encoding="utf-8"
    )
    assert read_split(path, ["dog", "caf\u00e9"]) == {"dog": "train", "caf\u00e9": "val"}


def test_classes_that_were_left_out_may_but_need_not_be_named(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    splits: dict[str, Split] = {"cat": "train", "dog": "test", "tiny": "val"}
    write_split(path, splits)
    found = read_split(path, ["cat", "dog"], left_out=["tiny", "other"])
    assert found == {"cat": "train", "dog": "test"}


CASES = {
    "unknown class": ("cat,train\ndgo,test\ndog,test\n", "names class 'dgo'; did you mean 'dog'"),
    "two unknown": ("cat,train\ndog,test\nx1,val\nx2,val\n", "'x1' and 1 more that are not there"),
    "missing class": ("cat,train\n", "no split for 1 of 2 classes: 'dog'"),
    "two splits": (
        "cat,train\ndog,test\ncat,val\n",
        r"'cat' in train \(row 2\) and in val \(row 4",
    ),
    "unknown split": ("cat,trian\ndog,test\n", "row 2 .* 'trian'; did you mean 'train'"),
    "no split column": (None, "no column 'split'"),
}


@pytest.mark.parametrize(("rows", "message"), CASES.values(), ids=CASES)
def test_files_that_do_not_fit_get_one_line(tmp_path: Path, rows: str | None, message: str) -> None:
    path = tmp_path / "splits.csv"
    path.write_text("class\ncat\n" if rows is None else f"class,split\n{rows}")
    with pytest.raises(BenchError, match=message):
        read_split(path, ["cat", "dog"])


def test_a_folder_that_is_not_there_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"cannot write .*splits\.csv"):
        write_split(tmp_path / "nowhere" / "splits.csv", {"a": "train"})

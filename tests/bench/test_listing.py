"""Listings: items with class, split and group; repeated rows and split classes are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.listing import ListedItem, read_listing


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "own.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_rows_come_in_order_with_class_split_and_group(tmp_path: Path) -> None:
    path = written(
        tmp_path, "group,path,split,class", "ann,b.jpg,train,cat", ",a.jpg,Validation,dog"
    )
    listing = read_listing(path, "path")
    assert listing.items == (
        ListedItem("b.jpg", "cat", "train", "ann", 2),
        ListedItem("a.jpg", "dog", "val", "", 3),
    )
    assert listing.classes == ("cat", "dog")
    assert listing.splits == {"cat": "train", "dog": "val"}


def test_without_the_columns_there_is_no_split_and_no_group(tmp_path: Path) -> None:
    listing = read_listing(written(tmp_path, "text,class", "hello,greeting"), "text")
    assert listing.items == (ListedItem("hello", "greeting", None, "", 2),)
    assert listing.splits is None


def test_one_class_spelled_with_composed_and_with_combining_accents_is_one(tmp_path: Path) -> None:
    path = written(tmp_path, "path,class", "a,caf\u00e9", "b,cafe\u0301")
    assert read_listing(path, "path").classes == ("caf\u00e9",)


def test_a_class_in_two_splits_is_named_with_its_rows_but_only_if_splits_count(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "path,class,split", "a,cat,train", "b,dog,test", "c,cat,test")
    listing = read_listing(path, "path")
    assert listing.classes == ("cat", "dog")
    with pytest.raises(BenchError, match=r"'cat' in train \(row 2\) and in test \(row 4\).*fixed"):
        _ = listing.splits


def test_a_partly_filled_split_column_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "path,class,split", "a,cat,train", "b,dog,", "c,dog,")
    with pytest.raises(BenchError, match=r"2 of 3 rows .* have no split, such as row 3"):
        _ = read_listing(path, "path").splits


def test_an_unknown_split_is_told_with_its_row(tmp_path: Path) -> None:
    path = written(tmp_path, "path,class,split", "a,cat,trian")
    with pytest.raises(BenchError, match=r"row 2 of .* 'trian'; did you mean 'train'"):
        read_listing(path, "path")


def test_repeated_rows_are_refused_or_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, "text,class", "hi,a", "yo,a", "hi,a", "hi,a")
    with pytest.raises(BenchError, match=r"row 4 .* repeats row 2 \('hi'\), and 1 more"):
        read_listing(path, "text")
    listing = read_listing(path, "text", "drop")
    assert [one.item for one in listing.items] == ["hi", "yo"]
    assert listing.dropped == 2


@pytest.mark.parametrize("repeats", ["refuse", "drop"])
def test_an_item_of_two_classes_is_always_refused(tmp_path: Path, repeats: str) -> None:
    path = written(tmp_path, "text,class", "hi,a", "hi,b")
    with pytest.raises(BenchError, match=r"'hi' as 'a' \(row 2\) and as 'b' \(row 3\)"):
        read_listing(path, "text", repeats)  # type: ignore[arg-type]  # one of the two


def test_a_long_item_is_cut_in_messages(tmp_path: Path) -> None:
    path = written(tmp_path, "text,class", f"{'word ' * 50},a", f"{'word ' * 50},b")
    with pytest.raises(BenchError) as caught:
        read_listing(path, "text")
    assert "word wo..." in str(caught.value)
    assert "word " * 20 not in str(caught.value)

"""Your own images listed in a table: paths, classes, splits and groups."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BenchError
from bench.registry import Registry
from tests.datasets.own_images import (
    files_at,
    many,
    names,
    opened,
    pixels,
    read,
    write_classes,
    write_image,
)


def table(tmp_path: Path, *lines: str, ending: str = ".csv") -> Path:
    path = tmp_path / f"own{ending}"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def listed(tmp_path: Path, *, columns: str = "", tail: str = "") -> Path:
    """Writes 4 classes of 6 images into one folder, and a table beside it."""
    rows = []
    for name in many(4):
        for number in range(6):
            write_image(tmp_path / "all" / f"{name}-{number}.png")
            rows.append(f"all/{name}-{number}.png,{name}{tail.format(name=name, number=number)}")
    return table(tmp_path, f"path,class{columns}", *rows)


def test_paths_start_at_the_folder_of_the_table(registry: Registry, tmp_path: Path) -> None:
    classes, remarks = read(registry, listed(tmp_path))
    assert [one.name for one in classes] == list(many(4))
    image = pixels((tmp_path / "all" / "c02-5.png").as_posix())
    np.testing.assert_array_equal(classes[2].inputs[5], image.transpose(2, 0, 1))
    assert remarks == (
        "no split was given; seed 0 makes it 2 classes to train, 0 to validate, 2 to test",
    )


def test_columns_give_splits_and_groups(registry: Registry, tmp_path: Path) -> None:
    path = listed(tmp_path, columns=",group,split", tail=",user{number},test")
    text = path.read_text().replace("c00,user0,test", "c00,user0,train")
    path.write_text(
        "\n".join(
            line.replace(",test", ",train") if ",c00," in line or ",c01," in line else line
            for line in text.splitlines()
        )
    )
    classes, remarks = read(registry, path)
    assert {one.name: one.split for one in classes} == {
        "c00": "train",
        "c01": "train",
        "c02": "test",
        "c03": "test",
    }
    assert classes[0].groups == tuple(f"user{number}" for number in range(6))
    assert remarks == ()


def test_the_order_of_the_rows_makes_no_difference(registry: Registry, tmp_path: Path) -> None:
    path = listed(tmp_path)
    classes, _ = read(registry, path)
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(rows)]))
    again, _ = read(registry, path)
    for one, other in zip(classes, again, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.inputs, other.inputs)


def test_paths_may_be_absolute_or_lead_elsewhere_or_be_written_on_windows(
    registry: Registry, tmp_path: Path
) -> None:
    write_classes(tmp_path / "far", many(4))
    place = tmp_path / "tables"
    place.mkdir()
    ways = (f"{tmp_path}/far/{{}}", "../far/{}", "..\\far\\{}")
    rows = [
        f"{ways[number % 3].format(f'{name}/{number:02d}.png')},{name}"
        for name in many(4)
        for number in range(6)
    ]
    rows = [row.replace("/", "\\") if "\\" in row else row for row in rows]
    classes, _ = read(registry, table(place, "path,class", *rows))
    assert [len(one.inputs) for one in classes] == [6] * 4


def test_a_path_with_accents_is_found_however_they_are_encoded(
    registry: Registry, tmp_path: Path
) -> None:
    rows = []
    for name in ("a", "b"):
        for number in range(6):
            file = f"{name}é{number}.png"
            write_image(tmp_path / unicodedata.normalize("NFD", file))
            rows.append(f"{unicodedata.normalize('NFC', file)},{name}")
    assert len(names(registry, table(tmp_path, "path,class", *rows), classes="fixed")) == 2


def test_a_class_in_two_splits_is_refused_unless_classes_are_fixed(
    registry: Registry, tmp_path: Path
) -> None:
    path = listed(tmp_path, columns=",split", tail=",train")
    path.write_text(path.read_text().replace("c00-5.png,c00,train", "c00-5.png,c00,test"))
    with pytest.raises(BenchError, match=r"'c00' in train \(row 2\) and in test \(row 7\).*fixed"):
        read(registry, path)
    assert set(names(registry, path, classes="fixed").values()) == {"test"}


def test_files_that_do_not_exist_are_counted_and_three_are_named(
    registry: Registry, tmp_path: Path
) -> None:
    path = listed(tmp_path)
    for name in ("c00-1", "c01-2", "c02-3", "c03-4"):
        (tmp_path / "all" / f"{name}.png").unlink()
    with pytest.raises(BenchError, match=r"4 of 24 files .* do not exist: .* and 1 more") as caught:
        read(registry, path)
    assert "all/c00-1.png, all/c01-2.png, all/c02-3.png and" in str(caught.value)


def test_groups_by_rule_are_for_folders(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="is a table; give it a column group"):
        read(registry, listed(tmp_path), groups="prefix")


def test_a_spreadsheet_is_told_how_to_be_saved(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "own.xlsx"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(BenchError, match=r"save spreadsheets as \.csv"):
        read(registry, path)


def test_the_stamp_changes_with_the_table_and_with_what_it_names(
    registry: Registry, tmp_path: Path
) -> None:
    path = listed(tmp_path)
    stamps = [opened(registry, path).stamp(files_at(tmp_path))]
    state = path.stat()
    path.write_text(path.read_text().replace(",c03", ",c02"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    stamps.append(opened(registry, path).stamp(files_at(tmp_path)))
    write_image(tmp_path / "all" / "c00-0.png", seed="other")
    stamps.append(opened(registry, path).stamp(files_at(tmp_path)))
    assert len(set(stamps)) == 3
    assert stamps[2] == opened(registry, path).stamp(files_at(tmp_path))

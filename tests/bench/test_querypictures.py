"""Queries: flat, nested, zipped, single, and none."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.querypictures import find_queries
from tests.bench.picture_files import picture, write_picture


def test_a_folder_gives_all_pictures_below_it_by_their_paths(tmp_path: Path) -> None:
    for name in ("b.png", "in/a.jpg", "in/deeper/c.webp"):
        write_picture(tmp_path / "query" / name, "red", 0)
    (tmp_path / "query" / "list.csv").write_text("path")
    found = find_queries(tmp_path / "query")
    assert [one.name for one in found.pictures] == ["b.png", "in/a.jpg", "in/deeper/c.webp"]
    assert found.remarks == ("passed over, as no images: 1 .csv",)


def test_files_that_may_be_pictures_are_queries_whether_they_can_be_read_or_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "photo.heic").write_bytes(b"no Pillow plugin reads this")
    (tmp_path / "without-ending").write_bytes(b"")
    assert len(find_queries(tmp_path).pictures) == 2


def test_a_zip_and_a_single_file_are_taken(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "one.png", "red", 0)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(path, "x/one.png")
    assert [one.name for one in find_queries(tmp_path / "all.zip").pictures] == ["x/one.png"]
    (single,) = find_queries(path).pictures
    assert (single.name, single.read()) == ("one.png", path.read_bytes())


def test_pictures_themselves_are_taken_and_named_by_their_place(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "one.png", "red", 0)
    found = find_queries([path, picture("red", 1), path.read_bytes()])
    assert [one.name for one in found.pictures] == [str(path), "query[1]", "query[2]"]


def test_nothing_to_label_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    for given, why in (
        (tmp_path, "no images to label in .*; passed over, as no images: 1 .txt"),
        (tmp_path / "absent", "no folder or zip file"),
        ([], "the list of queries is empty"),
    ):
        with pytest.raises(BenchError, match=why):
            find_queries(given)

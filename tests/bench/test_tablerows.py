"""Tables: delimiters, encodings and kinds of file that are read, and one line for all others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.tablerows import TableRow, read_rows

HALF = ("path", "class")


def cells(path: Path) -> list[dict[str, str]]:
    return [row.cells for row in read_rows(path, HALF)]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("ending", [".csv", ".tsv", ".CSV"])
def test_the_delimiter_is_the_one_that_gives_the_columns(
    tmp_path: Path, mark: str, ending: str
) -> None:
    path = tmp_path / f"own{ending}"
    path.write_text(f'path{mark}class\na.jpg{mark}cat\n"b{mark}1.jpg"{mark} dog \n')
    assert cells(path) == [
        {"path": "a.jpg", "class": "cat"},
        {"path": f"b{mark}1.jpg", "class": "dog"},
    ]


def test_a_delimiter_in_the_name_of_another_column_does_not_mislead(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("path;class;size (w,h,d)\na.jpg;cat;1,2,3\n")
    assert cells(path) == [{"path": "a.jpg", "class": "cat", "size (w,h,d)": "1,2,3"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_utf_8_is_read_with_and_without_a_byte_order_mark(
    tmp_path: Path, encoding: str, newline: str
) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(newline.join(["Path,Class ", "é.jpg,猫", "", ""]).encode(encoding))
    assert cells(path) == [{"path": "é.jpg", "class": "猫"}]


def test_rows_are_numbered_as_spreadsheets_do_whatever_lines_they_take(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text('path,class\n"two\nlines",cat\n\nb.jpg,dog\n')
    assert [(row.number, row.cells["path"]) for row in read_rows(path, HALF)] == [
        (2, "two\nlines"),
        (4, "b.jpg"),
    ]


def test_json_lines_are_read_whatever_the_types_of_their_values(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    lines = [
        {"path": "a.jpg", "class": 3, "split": None},
        {"path": " é ", "CLASS": "x", "box": [1]},
    ]
    path.write_text(
        "\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8"
    )
    assert read_rows(path, HALF) == [
        TableRow(1, {"path": "a.jpg", "class": "3", "split": ""}),
        TableRow(3, {"path": "é", "class": "x", "box": ""}),
    ]


CASES = {
    "latin-1 in one row": (b"path,class\na.jpg,cat\nb.jpg,caf\xe9\n", "line 3 has a byte 0xe9"),
    "utf-16": ("path,class\na,b\n".encode("utf-16"), "UTF-16; save it as UTF-8"),
    "a picture": (b"\x00\x01path,class\n", "zero byte"),
    "no class": (b"path,klass\na.jpg,cat\n", "no column 'class'; rename .*; known: klass, path"),
    "no path": (b"file,class\na.jpg,cat\n", "no column 'path'; rename .*; known: class, file"),
    "the wrong delimiter": (b"path|class\na.jpg|cat\n", "no column 'path'"),
    "an empty cell": (b"path,class\na.jpg,cat\nb.jpg, \n", "row 3 .* empty cell in column 'class'"),
    "a short row": (b"path,class\na.jpg\n", "row 2 .* empty cell in column 'class'"),
    "a long row": (b"path,class\na,jpg,cat\n", "row 2 .* 3 cells, but there are 2 columns"),
    "an open quotation": (b'path,class\n"a.jpg,cat\nb.jpg,dog\n', "after row 1 .*quotation marks"),
    "one column twice": (b"path,class,Class\na,b,c\n", "two columns 'class'"),
    "a header alone": (b"path,class\n\n", "has no rows"),
    "nothing": (b"", "has no rows"),
    "an empty first line": (b"\npath,class\na,b\n", "begins with an empty line"),
}


@pytest.mark.parametrize(("content", "message"), CASES.values(), ids=CASES)
def test_bad_tables_get_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(content)
    with pytest.raises(BenchError, match=message) as caught:
        read_rows(path, HALF)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"path": "a", "class": "b"}\n{"path": ', "line 2 .* no JSON"),
        ('["a", "b"]', "line 1 .* no JSON object"),
        ('{"path": "a", "klass": "b"}', "line 1 .* no 'class'; did you mean 'klass'"),
        ('{"path": "a", "class": null}', "empty cell in column 'class'"),
    ],
)
def test_bad_json_lines_get_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(content)
    with pytest.raises(BenchError, match=message):
        read_rows(path, HALF)


def test_files_that_are_no_tables_or_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"own\.xlsx is no table .*\.csv, \.tsv, \.jsonl"):
        read_rows(tmp_path / "own.xlsx", HALF)
    with pytest.raises(BenchError, match=r"cannot be read \(No such file"):
        read_rows(tmp_path / "own.csv", HALF)

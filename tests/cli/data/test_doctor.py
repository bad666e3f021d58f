"""`bench data doctor`: the report, its files and its exit codes."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.cli import run_command_line
from bench.dataset import DataFiles
from bench.registry import load_registry
from bench.sources import choose


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """5 classes of 6 pictures each, all unlike, in colour."""
    rng = np.random.default_rng(0)
    for number in range(30):
        path = tmp_path / "photos" / f"class{number // 6}" / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        patches = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        patches.resize((96, 96), Image.Resampling.BICUBIC).save(path)
    return tmp_path / "photos"


def test_a_good_folder_has_exit_code_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["data", "doctor", str(folder)]) == 0
    assert capsys.readouterr().out == (
        f"{folder}: 30 images in 5 classes, no split\nnothing was found\n"
    )


def test_errors_come_first_and_have_exit_code_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "class1" / "bad.jpg").write_bytes(b"<html>")
    (folder / ".DS_Store").write_bytes(b"x")
    shutil.copy(folder / "class0" / "00.png", folder / "class0" / "zz.png")
    assert run_command_line(["data", "doctor", str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == [
        f"{folder}: 31 images in 5 classes, no split",
        "",
        "error",
        "  files that are no images: 1",
        "    class1/bad.jpg (a web page)",
    ]
    assert [line for line in lines if not line.startswith(" ")][1:] == [
        *("", "error", "", "warning", "", "note")
    ]
    assert "  the same image within a class: 1 group" in lines
    assert "    class0/00.png = class0/zz.png (the same file)" in lines


def test_names_says_how_many_are_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(5):
        (folder / "class1" / f"x{number}.jpg").write_bytes(b"")
    run_command_line(["data", "doctor", str(folder), "--names", "2"])
    assert "(has no bytes)\n    and 3 more\n" in capsys.readouterr().out


def test_json_and_csv_name_everyone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(5):
        (folder / "class1" / f"x{number}.jpg").write_bytes(b"")
    table = folder.parent / "findings.csv"
    assert run_command_line(["data", "doctor", str(folder), "--json", "--csv", str(table)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["images"], told["classes"], told["splits"]) == (30, 5, {})
    (finding,) = told["findings"]
    assert (finding["kind"], finding["severity"], finding["count"]) == ("empty", "error", 5)
    expected = [f"class1/x{number}.jpg" for number in range(5)]
    assert [one["name"] for one in finding["affected"]] == expected
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [(row["severity"], row["kind"], row["name"]) for row in rows] == [
        ("error", "empty", name) for name in expected
    ]


def test_the_table_of_groups_is_data_in_which_lookalikes_share_a_group(folder: Path) -> None:
    Image.open(folder / "class0" / "00.png").save(folder / "class0" / "zz.jpg", quality=80)
    table = folder.parent / "deeper" / "groups.csv"
    table.parent.mkdir()
    assert run_command_line(["data", "doctor", str(folder), "--group-csv", str(table)]) == 0
    rows = {row["path"]: row for row in csv.DictReader(io.StringIO(table.read_text()))}
    assert len(rows) == 31
    grouped = {path: row["group"] for path, row in rows.items() if row["group"]}
    assert grouped == {
        "../photos/class0/00.png": "class0/00.png",
        "../photos/class0/zz.jpg": "class0/00.png",
    }
    chosen = choose(load_registry(), f"folder:{table}", {"least": 2})
    classes = list(chosen.dataset(**chosen.parameters).classes(DataFiles(folder)))
    assert [(one.name, len(one.inputs)) for one in classes] == [
        ("class0", 7),
        *((f"class{number}", 6) for number in range(1, 5)),
    ]
    assert classes[0].groups is not None
    assert sorted(classes[0].groups) == [""] * 5 + ["class0/00.png"] * 2


def test_groups_of_a_table_are_kept_and_joined(folder: Path) -> None:
    Image.open(folder / "class0" / "00.png").save(folder / "class0" / "zz.jpg", quality=80)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*g"))
    given = {"class0/00.png": "ann", "class0/01.png": "ann", "class1/06.png": "bob"}
    rows = [f"{name},{name.split('/')[0]},{given.get(name, '')}" for name in names]
    (folder / "list.csv").write_text("\n".join(["path,class,group", *rows]))
    table = folder / "groups.csv"
    wishes = ["data", "doctor", str(folder / "list.csv"), "--group-csv", str(table)]
    assert run_command_line(wishes) == 0
    found = {row["path"]: row["group"] for row in csv.DictReader(io.StringIO(table.read_text()))}
    assert {path: group for path, group in found.items() if group} == {
        **given,
        "class0/zz.jpg": "ann",
    }


def test_a_zip_has_no_table_of_groups(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = shutil.make_archive(str(folder.parent / "all"), "zip", folder)
    assert run_command_line(["data", "doctor", path, "--group-csv", "g.csv"]) == 4
    assert "unpack it first" in capsys.readouterr().err


def test_what_is_not_there_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["data", "doctor", str(tmp_path / "none")]) == 4
    assert capsys.readouterr().err.count("\n") == 1

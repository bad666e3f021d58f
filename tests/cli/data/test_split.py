"""`bench data split`: a split that is drawn, shown, written and used."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.classsplit import draw_split, read_split
from bench.cli import run_command_line
from tests.datasets.own_images import many, write_classes


def split(*arguments: str) -> int:
    return run_command_line(["data", "split", *arguments])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_classes(tmp_path / "photos", {**many(20), "tiny": 3})


def test_the_split_is_shown_written_and_told_how_to_be_used(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "splits.csv"
    assert split(f"folder:{photos}", "--seed", "3", "-o", str(out)) == 0
    shown = capsys.readouterr().out
    rows = [line.split()[:3] for line in shown.splitlines()]
    assert ["train", "10", "60"] in rows
    assert ["val", "5", "30"] in rows
    assert ["test", "5", "30"] in rows
    assert "left out, with fewer than 6 images: tiny (3)" in shown
    assert f"use it with: --data folder:{photos} --set data.splits={out}" in shown
    assert read_split(out, many(20)) == draw_split(many(20), 3)


def test_the_written_split_is_the_one_that_a_run_would_draw(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "splits.csv"
    split(f"folder:{photos}", "-o", str(out))
    run = ["run", "--algo", "pixels", "--data", f"folder:{photos}", "--set", "data.side=8"]
    run += ["--episodes", "3", "--out", str(tmp_path / "runs")]
    assert run_command_line(run) == 0
    capsys.readouterr()
    assert run_command_line([*run, "--set", f"data.splits={out}"]) == 4
    assert "holds this very run already" in capsys.readouterr().err


def test_without_a_file_nothing_is_written(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert split(f"folder:{photos}") == 0
    assert "add: -o splits.csv" in capsys.readouterr().out
    assert [one.name for one in tmp_path.iterdir()] == ["photos"]


def test_parameters_are_passed_on_and_repeated(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "splits.csv"
    assert split(f"folder:{photos}", "--set", "data.least=3", "-o", str(out)) == 0
    assert "tiny" in out.read_text()
    assert "--set data.least=3" in capsys.readouterr().out


def test_another_split_is_overwritten_only_on_request(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "splits.csv"
    assert split(f"folder:{photos}", "-o", str(out)) == 0
    assert split(f"folder:{photos}", "-o", str(out)) == 0
    before = out.read_bytes()
    assert split(f"folder:{photos}", "--seed", "1", "-o", str(out)) == 4
    assert "add --force" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert split(f"folder:{photos}", "--seed", "1", "-o", str(out), "--force") == 0
    assert out.read_bytes() != before


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("gaussians", "gaussians has a split of its own; those that are drawn are of "),
        ("folder", "name it: folder:PATH"),
        ("folders:x", "did you mean 'folder'"),
        ("folder:nowhere", "there is no file or folder nowhere"),
    ],
)
def test_what_cannot_be_divided_is_told(
    data: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert split(data) == 4
    assert message in capsys.readouterr().err


def test_too_few_classes_are_told_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_classes(tmp_path / "photos", many(3))
    assert split(f"folder:{folder}") == 4
    assert "--set data.classes=fixed" in capsys.readouterr().err

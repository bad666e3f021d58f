"""`bench predict`: two folders of pictures and a finished run, and what cannot be."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bench import load_run
from bench.files import sha256_of
from bench.results import read_run
from tests.bench.picture_files import write_picture, write_support
from tests.cli.finished_swatches import train
from tests.cli.verifying import bench

SHOTS = {"red": 2, "green": 3, "blue": 1}
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("swatches"), "--backbone", "conv4-32")


@pytest.fixture
def place(trained: Path, tmp_path: Path) -> Path:
    """A folder with a run, a support, and nine queries, three of each class."""
    shutil.copytree(trained, tmp_path / "run")
    write_support(tmp_path / "known", SHOTS)
    for number in range(9):
        name = ("red", "green", "blue")[number % 3]
        write_picture(tmp_path / "new" / name[0] / f"{number}.jpg", name, 40 + number, side=30)
    return tmp_path


def predict(place: Path, *flags: str, run: str = "run", query: str = "new") -> int:
    given = ["--support", str(place / "known"), "--query", str(place / query)]
    return bench("predict", str(place / run), *given, *flags)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_has_a_row_per_picture(place: Path, capsys: Capture) -> None:
    out = place / "labels.csv"
    assert predict(place, "--out", str(out)) == 0
    found = rows(out)
    assert list(found[0]) == [
        *("path", "class", "probability", "second_class", "second_probability"),
        *("novelty", "warning"),
    ]
    assert [row["path"] for row in found] == sorted(f"{'rgb'[n % 3]}/{n}.jpg" for n in range(9))
    assert [row["class"][0] for row in found] == [row["path"][0] for row in found]
    for row in found:
        assert 1 / 3 <= float(row["probability"]) <= 1
        assert float(row["second_probability"]) <= float(row["probability"])
    printed = capsys.readouterr().out
    assert f"written: {out}" in printed
    lines = [line.split() for line in printed.splitlines()]
    assert [[*line[:3]] for line in lines[2:5]] == [
        ["blue", "1", "3"],
        ["green", "3", "3"],
        ["red", "2", "3"],
    ]


def test_neither_data_nor_plugin_of_the_data_are_needed_and_nothing_is_written(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(place / "no cache"))
    before = {path: sha256_of(path) for path in place.rglob("*") if path.is_file()}
    assert predict(place) == 0
    assert {path: sha256_of(path) for path in place.rglob("*") if path.is_file()} == before


def test_a_label_depends_on_the_picture_and_the_support_alone(place: Path) -> None:
    assert predict(place, "--out", str(place / "all.csv")) == 0
    whole = {row["path"]: row for row in rows(place / "all.csv")}
    for name in ("g/1.jpg", "b/2.jpg"):
        assert predict(place, "--out", str(place / "one.csv"), query=f"new/{name}") == 0
        (row,) = rows(place / "one.csv")
        assert {**row, "path": name} == whole[name]


def test_three_lines_of_python_give_the_same_labels(place: Path) -> None:
    assert predict(place, "--out", str(place / "labels.csv")) == 0
    model = load_run(place / "run")
    labels = model.predict(place / "known", place / "new")
    assert labels.csv() == (place / "labels.csv").read_text()


def test_minus_writes_the_table_to_stdout_and_everything_else_to_stderr(
    place: Path, capsys: Capture
) -> None:
    assert predict(place, "--out", "-") == 0
    printed = capsys.readouterr()
    assert len(list(csv.DictReader(printed.out.splitlines()))) == 9
    assert "labelled" in printed.err and "labelled" not in printed.out


def test_without_a_file_the_first_labels_are_printed(place: Path, capsys: Capture) -> None:
    assert predict(place) == 0
    printed = capsys.readouterr().out
    assert "r/3.jpg" in printed and "write all to a file with --out" in printed


def test_damaged_and_repeated_pictures_are_told_and_the_others_labelled(
    place: Path, capsys: Capture
) -> None:
    (place / "new" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    shutil.copy(place / "known" / "red" / "0.png", place / "new" / "again.png")
    (place / "new" / "notes.txt").write_text("no picture")
    assert predict(place, "--out", str(place / "labels.csv")) == 1
    printed = capsys.readouterr()
    assert "1 of 11 could not be read, the others are labelled: cut.jpg" in printed.err
    assert "1 of 11 are in the support, too: again.png" in printed.out
    assert "passed over, as no images: 1 .txt" in printed.err
    by_path = {row["path"]: row for row in rows(place / "labels.csv")}
    assert by_path["cut.jpg"]["class"] == "" and "unreadable" in by_path["cut.jpg"]["warning"]
    assert by_path["again.png"]["class"] == "red"


def test_a_file_of_predictions_is_replaced_and_any_other_file_is_not(
    place: Path, capsys: Capture
) -> None:
    out = place / "labels.csv"
    assert predict(place, "--out", str(out)) == 0
    first = out.read_text()
    write_picture(place / "new" / "another.png", "red", 99)
    assert predict(place, "--out", str(out)) == 0
    assert len(out.read_text().splitlines()) == len(first.splitlines()) + 1
    out.write_text("my thesis\n")
    assert predict(place, "--out", str(out)) == 4
    assert "holds no predictions" in capsys.readouterr().err
    assert out.read_text() == "my thesis\n"


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--query", "{place}/absent"], "absent"),
        (["--query", "{place}/empty"], "no images to label"),
        (["--support", "{place}/absent"], "absent"),
        (["--support", "{place}/empty"], "has no images"),
        (["--support", "{place}/known/red"], "two or more"),
        (["--out", "{place}"], "is a folder"),
        (["--out", "{place}/no/such/labels.csv"], "there is no folder"),
        (["--device", "abacus"], "--device is 'abacus'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    place: Path, flags: list[str], why: str, capsys: Capture
) -> None:
    (place / "empty").mkdir()
    assert predict(place, *(flag.format(place=place) for flag in flags)) == 4
    message = capsys.readouterr().err.strip().splitlines()
    assert len(message) == 1 and why in message[0]


def test_runs_that_cannot_predict_say_why(place: Path, capsys: Capture) -> None:
    record = read_run(place / "run")
    other = {
        "running": replace(record, status="running"),
        "earlier": replace(record, spec=None),
        "regression": replace(record, data=replace(record.data, task="regression")),
    }
    for name, changed in other.items():
        changed.write(Path(shutil.copytree(place / "run", place / name)))
    altered = Path(shutil.copytree(place / "run", place / "altered")) / "run.json"
    altered.write_text(altered.read_text().replace('"seed": 0', '"seed": 1'))
    weights = Path(shutil.copytree(place / "run", place / "weights")) / "checkpoint.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    for name, why in (
        ("nothing", "holds no run"),
        ("running", "is running; finish it first"),
        ("earlier", "does not say what the algorithm was built for"),
        ("regression", "is a regression on swatches"),
        ("altered", "its seal is broken"),
        ("weights", "is not what the run wrote"),
    ):
        assert predict(place, run=name) == 4, name
        (message,) = capsys.readouterr().err.strip().splitlines()
        assert why in message


def test_pictures_are_made_as_those_of_the_run_unless_told_otherwise(
    place: Path, capsys: Capture
) -> None:
    record = read_run(place / "run")
    replace(record, data=replace(record.data, form=None)).write(place / "run")
    assert predict(place, "--out", str(place / "plain.csv")) == 0
    assert "does not say how its images were made" in capsys.readouterr().err
    assert predict(place, "--invert", "--out", str(place / "inverted.csv")) == 0
    plain, inverted = rows(place / "plain.csv"), rows(place / "inverted.csv")
    assert [row["novelty"] for row in plain] != [row["novelty"] for row in inverted]

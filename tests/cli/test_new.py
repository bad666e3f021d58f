"""`bench new`: what it writes keeps the contract as it stands, and it never leaves half of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bench.cli import run_command_line
from bench.errors import BenchError
from bench.scaffold import KINDS, Kind, Scaffold, write

CHECKS = {"algorithm": 22, "dataset": 3, "backbone": 8}
"""How many are about what is written, at least; with a GPU there is one more."""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_writes_passes_its_checks_and_its_own_tests(
    kind: Kind, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"new-{kind}-of-mine"
    assert run_command_line(["new", kind, name, "--into", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    folder, module = tmp_path / name, name.replace("-", "_")
    assert f"cd {folder}" in printed
    assert f"bench check -p ./{module}.py {name}" in printed
    monkeypatch.chdir(folder)
    assert run_command_line(["check", "-p", f"./{module}.py", name]) == 0
    passed = re.search(r"^(\d+) passed, 0 failed", capsys.readouterr().out, re.MULTILINE)
    assert passed
    assert int(passed[1]) >= CHECKS[kind]
    tested = run(folder, "pytest", "-q", "-p", "no:cacheprovider")
    assert tested.returncode == 0, tested.stdout
    assert re.search(rf"^{passed[1]} passed in", tested.stdout, re.MULTILINE), tested.stdout


def test_what_it_writes_is_short_and_tidy(tmp_path: Path) -> None:
    for kind in KINDS:
        write(Scaffold(kind, f"my-{kind}"), tmp_path)
        text = (tmp_path / f"my-{kind}" / f"my_{kind}.py").read_text()
        assert len([line for line in text.splitlines() if line.strip()]) <= 40
    for words in (["ruff", "check"], ["ruff", "format", "--check"]):
        files = [f"my-{kind}/my_{kind}.py" for kind in KINDS]
        found = run(tmp_path, *words, *files)
        assert found.returncode == 0, found.stdout


def test_the_package_has_the_entry_point_that_bench_looks_for(tmp_path: Path) -> None:
    paths = write(Scaffold("algorithm", "my-method"), tmp_path)
    folder = tmp_path / "my-method"
    assert sorted(paths) == sorted(p for p in folder.rglob("*") if p.is_file())
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["bench"] == {"my-method": "my_method"}
    assert project["tool"]["setuptools"]["py-modules"] == ["my_method"]
    assert "bench run -p ./my_method.py --algo my-method" in (folder / "README.md").read_text()
    for path in paths:
        assert "$" not in path.read_text()


def test_the_templates_are_installed_with_bench() -> None:
    root = Path(__file__).parent.parent.parent
    data = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert "templates/*.txt" in data["package-data"]["bench"]
    templates = [p for p in (root / "bench" / "templates").iterdir() if p.is_file()]
    assert len(templates) == 6
    assert {path.suffix for path in templates} == {".txt"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["new", "algorithm", "My Method"], "such as my-method"),
        (["new", "algorithm", "3net"], "such as net"),
        (["new", "algorithm", "json"], "module json"),
        (["new", "algorithm", "torch"], "take another, such as my-torch"),
        (["new", "algorithm", "class"], "take another, such as my-class"),
        (["new", "dataset", "pixels"], "the name of the algorithm 'pixels', in "),
        (["new", "backbone", "conv4-strided"], "the name of the backbone 'conv4-strided', in "),
        (["new", "metric", "mine"], "metric"),
        (["new", "algorithm", "mine", "--into", "nowhere"], "no folder"),
    ],
)
def test_a_name_or_place_that_will_not_do_is_refused_in_a_line_and_nothing_is_written(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command_line(arguments) == 4
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(BenchError, match="is there already"):
        write(Scaffold("dataset", "mine"), tmp_path)
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_disk_that_fills_up_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    whole = Path.write_text

    def full(path: Path, *arguments: Any, **keywords: Any) -> int:
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        written.append(path)
        return whole(path, *arguments, **keywords)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        write(Scaffold("algorithm", "mine"), tmp_path)
    assert len(written) == 2
    assert list(tmp_path.iterdir()) == []

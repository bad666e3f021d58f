"""The example package, installed and used as a third party's would be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent / "examples" / "bench-example"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, installed into a folder of its own, without a network."""
    work = tmp_path_factory.mktemp("example")
    source = work / "source"
    subprocess.run(["cp", "-r", str(EXAMPLE), str(source)], check=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--target", str(work / "site"), str(source)]
    subprocess.run(command, check=True)
    return work / "site"


def bench(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_an_installed_third_party_package_adds_an_algorithm_and_a_dataset(
    site: Path, tmp_path: Path
) -> None:
    listed = bench(site, "list")
    assert "neighbour" in listed.stdout, listed.stderr
    assert "gratings" in listed.stdout
    arguments = ["--algo", "neighbour", "--data", "gratings", "--episodes", "50"]
    done = bench(site, "run", *arguments, "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "neighbour on gratings" in done.stdout
    board = bench(site, "leaderboard", str(tmp_path))
    assert "neighbour" in board.stdout


def test_a_broken_third_party_package_hurts_only_who_asks_for_it(
    site: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    subprocess.run(["cp", "-r", str(site), str(broken)], check=True)
    (broken / "bench_example" / "__init__.py").write_text("import no_such_package\n")
    listed = bench(broken, "list")
    assert listed.returncode == 0
    assert "protonet" in listed.stdout
    assert "no_such_package" in listed.stderr
    small = ["--data", "gaussians", "--episodes", "5", "--out", str(tmp_path / "out")]
    assert bench(broken, "run", "--algo", "pixels", *small).returncode == 0
    asked = bench(broken, "run", "--algo", "neighbour", *small)
    assert asked.returncode == 4
    assert "bench_example" in asked.stderr
